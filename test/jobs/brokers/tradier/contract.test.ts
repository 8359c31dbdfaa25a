// Tradier, as the simulator speaks it, under the contract of all brokers.
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import { describeBroker } from '../contract.ts';
import { CALL, FURTHER_CALL } from '../schwab/support.ts';
import { simulatedTradier } from './simulated.ts';

describeBroker('Tradier', {
  make: ({ limits } = { limits: 'ample' }) => simulatedTradier({ limits }),
  cannot: {
    replacing: 'an order is changed in place, under the same id',
    hints: 'fills are polled',
    'accounts restricted to closing': 'no answer tells of it',
  },
  contracts: { near: CALL, far: FURTHER_CALL, other: 'QQQ   261120P00605000' as OsiSymbol },
});
