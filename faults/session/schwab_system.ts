// vwap_ma9 on streams of a simulated Massive, with its orders at a simulated Schwab.
import { join } from 'node:path';
import { STRATEGY } from '../../bench/live_stage.ts';
import { startSimulatedSchwab, treeSettings } from '../../cli/simulated_schwab.ts';
import { addMs } from '../../core/eastern_time.ts';
import { type OsiSymbol, toOsi } from '../../core/osi_symbol.ts';
import { startMassiveSimulator } from '../../sim/massive_server.ts';
import type { Fault, InjectedFault, Operation } from '../../sim/schwab/faults.ts';
import { classOf, isFresh } from './broker_faults.ts';
import { planOf } from './plan.ts';
import { performStream, type SchwabSimulators, tickerOf } from './schwab_deeds.ts';
import { READ_FAULTS, SCHWAB_REPERTOIRE } from './schwab_plan.ts';
import { checkSent, createSentLog } from './schwab_stored.ts';
import type { Stage } from './stage.ts';
import { isPolled } from './tradier_plan.ts';
import type { SessionVenue, System, VenueOptions } from './venue.ts';

// Four looks a minute: the more orders, the more of them meet a fault.
const PERIOD_MS = 15_000;
const API_KEY = 'simulated';
const STEP_MS = 200;
const READ_RATE = 0.01;
// A vendor's day is never in order; what comes late by half a minute is rare.
const DISORDER = { again: 0.002, swapped: 0.002, late: 0.0001, decorated: 0.002 };

export const SCHWAB_SYSTEM: System = {
  strategy: STRATEGY,
  account: 'schwab',
  settings: () => ({ period_ms: PERIOD_MS }),
  processes: ['ingest-equities', 'ingest-options', 'advance', 'orders-submit', 'orders-reconcile'],
  // Data is sent from half an hour before the open, and the processes need a moment to start; they compare the day's books half an
  // hour after the options' close.
  hours: () => ({ open: '09:30', leadMs: 38 * 60_000, afterMs: 49 * 60_000 }),
  minMinutes: 90,
  contracts: 25,
  ...{ hasSpreads: false, keepsBooks: true },
  plan: (session, seed) => planOf(session, seed, SCHWAB_REPERTOIRE),
  open,
};

async function open({ clock, folder, seed, session, port }: VenueOptions): Promise<SessionVenue> {
  const sent = createSentLog();
  const schwab = await startSimulatedSchwab({
    ...{ clock, seed, folder: join(folder, 'data'), ordersPerMinute: 120 },
    fees: { commission_e4: 6500, optRegFee_e4: 450, secFee_e4: 0, tafFee_e4: 33 },
    delays: { activateMs: 50, workMs: 50, fillMs: 100, cancelMs: 300, rejectMs: 300 },
  });
  const market = await startMassiveSimulator({
    ...{ ...session, seed, apiKey: API_KEY, speed: 1, stepMs: STEP_MS, pacing: 'free', prints: false },
    ...{ disorder: { seed, ...DISORDER }, onEvents: schwab.onEvents, onSent: sent.note },
  });
  const { simulator } = schwab;
  const both = { market, schwab };
  return {
    ledger: simulator.ledger,
    variables: treeSettings(schwab, { ...market, apiKey: API_KEY, port }),
    begin: market.begin,
    misbehave: (isOn) => simulator.misbehave(isOn ? { seed, rate: READ_RATE, faults: READ_FAULTS } : null),
    script: ({ operation, fault }) => simulator.script.next(operation as Operation, fault as Fault),
    injected: () => simulator.script.injected().map(tellFault),
    isJust: (moment, now) => moment === 'order' && isFresh(simulator.ledger.orders().at(-1)?.enteredAt, now),
    perform: (stage, deed) => {
      if (isPolled(deed)) throw new Error(`nothing is polled here: ${deed.kind}`);
      return performStream(stage, both, deed);
    },
    buyByHand: (stage) => buyByHand(stage, both),
    expire: () => {
      const { tsClose, sessionDate } = market.session;
      const last = market.recorded('A.QQQ', addMs(tsClose, -60_000), tsClose).at(-1);
      if (last === undefined) return null;
      const close_e4 = Math.round(Number(last.c) * 10_000);
      const settled = simulator.settle(sessionDate, close_e4);
      return `the options of the day end at ${close_e4 / 10_000}: ${settled.length} positions are settled`;
    },
    checkStored: (stage) => checkSent(stage, { market, sent }),
    stop: async () => {
      await Promise.all([market.stop(), schwab.stop()]);
    },
  };
}

function tellFault({ operation, fault }: InjectedFault): { readonly id: string; readonly what: string } {
  const what = `${operation}: ${fault.kind}`;
  if (operation.startsWith('WS')) return { id: 'F6', what };
  return { id: operation === 'POST token' ? 'F13' : classOf(operation, fault), what };
}

async function buyByHand(
  stage: Stage,
  { schwab }: SchwabSimulators,
): Promise<{ readonly symbol: string; readonly sell: () => void } | null> {
  const ticker = await tickerOf(stage, 'far');
  if (ticker === null) return null;
  const symbol = toOsi(ticker) as OsiSymbol;
  const order = (instruction: string): unknown => ({
    ...{ orderType: 'MARKET', session: 'NORMAL', duration: 'DAY', orderStrategyType: 'SINGLE' },
    orderLegCollection: [{ instruction, quantity: 1, instrument: { symbol, assetType: 'OPTION' } }],
  });
  schwab.simulator.manualOrder(order('BUY_TO_OPEN'));
  return { symbol, sell: () => void schwab.simulator.manualOrder(order('SELL_TO_CLOSE')) };
}
