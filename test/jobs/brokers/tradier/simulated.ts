// A Tradier adapter in front of the simulator, with the levers of the contract suite.
import { afterEach } from 'vitest';
import { acceleratedClock, type Clock } from '../../../../core/clock.ts';
import type { Broker } from '../../../../jobs/brokers/broker.ts';
import { orderForm } from '../../../../jobs/brokers/tradier/order_form.ts';
import { createTradierBroker, type TradierOptions } from '../../../../jobs/brokers/tradier/tradier_broker.ts';
import type { Operation, Fault as SimFault } from '../../../../sim/tradier/faults.ts';
import { startTradierSimulator, type TradierSimulator } from '../../../../sim/tradier/server.ts';
import type { TradierSimulatorOptions } from '../../../../sim/tradier/settings.ts';
import type { Ask, Fault, UnderTest, Venue } from '../contract.ts';
import { NOON } from '../schwab/support.ts';

export interface SimulatedTradier extends UnderTest {
  readonly broker: Broker;
  readonly simulator: TradierSimulator;
  readonly clock: Clock;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const OPERATIONS: Readonly<Record<Ask, Operation>> = {
  submit: 'POST order',
  cancel: 'DELETE order',
  replace: 'PUT order',
  order: 'GET order',
  orders: 'GET orders',
  positions: 'GET positions',
};

const LAG_MS = 300;

function simFault(ask: Ask, fault: Fault): SimFault {
  const faults: Readonly<Record<Fault, SimFault>> = {
    lost_after: { kind: 'hang', accept: true },
    lost_before: { kind: 'hang', accept: false },
    reset_after: { kind: 'reset', accept: true },
    reset_before: { kind: 'reset', accept: false },
    error_after: { kind: 'html', status: 502, accept: true },
    error_before: { kind: 'gateway', what: 'datastore' },
    refused:
      ask === 'cancel' ? { kind: 'cancel_refused' } : { kind: 'errors', texts: ['InitialMargin', 'Refused'] },
    rate_limited: { kind: 'rate_limit', status: 400 },
    unauthorized: { kind: 'unauthorized' },
    no_id: { kind: 'no_id' },
    wrong_id: { kind: 'wrong_id' },
    reject_later: { kind: 'reject' },
    half_answer: { kind: 'half_body', isCut: true },
    fill_first: { kind: 'fill_during_cancel' },
    fill_late: { kind: 'fill_after_cancel', lagMs: LAG_MS },
    late_list: { kind: 'list_lag', ms: LAG_MS },
    late_positions: { kind: 'positions_lag', ms: LAG_MS },
  };
  return faults[fault];
}

function venueOf(simulator: TradierSimulator, clock: Clock): Venue {
  return {
    now: () => clock.now(),
    setQuote: (symbol, { bid_e4, ask_e4, sz = 1000 }) => simulator.setQuote(symbol, bid_e4, ask_e4, sz, sz),
    orders: () =>
      simulator.ledger.orders().map(({ id, isLive, isEntry, filledQty }) => ({
        id: String(id),
        ...{ isLive, isEntry, filledQty },
      })),
    positionOf: (symbol) => simulator.ledger.positionOf(symbol),
    requests: (ask) => simulator.requests().filter((each) => each.operation === OPERATIONS[ask]).length,
    fault: (ask, fault) => simulator.script.next(OPERATIONS[ask], simFault(ask, fault)),
    fill: (id, qty) => void simulator.fill(Number(id), qty),
    manualOrder: (order) =>
      String(simulator.manualOrder(new URLSearchParams(orderForm(order, null)).toString())),
    loseLogin: () => simulator.revokeToken(),
    restrictToClosing: () => {
      throw new Error('Tradier does not tell; its cases say what they need');
    },
    assign: (symbol, contracts) => void simulator.assign(symbol, contracts, { showAfterMs: 0 }),
    dropHints: () => undefined,
    hearsHints: () => false,
    stop: () => simulator.stop(),
  };
}

/** Starts the simulator at noon of 2026-11-20 and makes a broker for it. Ends both after the test. */
export async function simulatedTradier(
  options: {
    readonly broker?: Partial<TradierOptions>;
    readonly simulator?: TradierSimulatorOptions;
    readonly limits?: 'ample' | 'tiny';
  } = {},
): Promise<SimulatedTradier> {
  const clock = acceleratedClock({ start: NOON, speed: 1 });
  const simulator = await startTradierSimulator({
    clock,
    accounts: [{ accountNumber: 'VA12345678', cash_e4: 50_000_000_000 }],
    delays: { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 30, rejectMs: 30 },
    limits: null,
    ...options.simulator,
  });
  cleanups.push(() => simulator.stop());
  const ample = { perMinute: 100_000, ordersPerMinute: 100_000, reserved: 10 };
  const broker = createTradierBroker({
    tradierBaseUrl: simulator.restUrl,
    tradierToken: simulator.token,
    tradierAccount: simulator.account,
    clock,
    limits: options.limits === 'tiny' ? { ordersPerMinute: 4, reserved: 2, perMinute: 1000 } : ample,
    timing: { orderTimeoutMs: 1000, readTimeoutMs: 1000, backoffFirstMs: 20, backoffMaxMs: 100 },
    ...options.broker,
  });
  cleanups.push(() => broker.close());
  return { broker, simulator, clock, venue: venueOf(simulator, clock) };
}
