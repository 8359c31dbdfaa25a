// Schwab, as the simulator speaks it, under the contract of all brokers.
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import { describeBroker } from '../contract.ts';
import { simulatedSchwab } from './simulated.ts';
import { CALL, FURTHER_CALL } from './support.ts';

describeBroker('Schwab', {
  make: ({ limits } = { limits: 'ample' }) => simulatedSchwab({ limits }),
  cannot: { 'client ids': 'an order has no field for one' },
  contracts: { near: CALL, far: FURTHER_CALL, other: 'QQQ   261120P00605000' as OsiSymbol },
});
