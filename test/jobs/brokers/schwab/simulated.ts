// A Schwab adapter in front of the simulator, logged in, with the levers of the contract suite.
import { acceleratedClock, type Clock } from '../../../../core/clock.ts';
import type { BrokerOrder } from '../../../../jobs/brokers/broker.ts';
import { DEFAULT_TICKS, orderBody } from '../../../../jobs/brokers/schwab/order_body.ts';
import { createSchwabBroker, type SchwabBroker } from '../../../../jobs/brokers/schwab/schwab_broker.ts';
import type { SchwabConfig, SchwabOptions } from '../../../../jobs/brokers/schwab/settings.ts';
import type { Operation, Fault as SimFault } from '../../../../sim/schwab/faults.ts';
import { type SchwabSimulator, startSchwabSimulator } from '../../../../sim/schwab/server.ts';
import type { SchwabSimulatorOptions } from '../../../../sim/schwab/settings.ts';
import type { Ask, Fault, UnderTest, Venue } from '../contract.ts';
import { atEnd, configFor, NOON, storeLogin, tokensAt } from './support.ts';

export interface SimulatedSchwab extends UnderTest {
  readonly broker: SchwabBroker;
  readonly simulator: SchwabSimulator;
  readonly clock: Clock;
  readonly config: SchwabConfig;
}

const OPERATIONS: Readonly<Record<Ask, Operation>> = {
  submit: 'POST order',
  cancel: 'DELETE order',
  replace: 'PUT order',
  order: 'GET order',
  orders: 'GET orders',
  positions: 'GET account',
};

const LAG_MS = 300;

function simFault(ask: Ask, fault: Fault): SimFault {
  const faults: Readonly<Record<Fault, SimFault>> = {
    lost_after: { kind: 'hang', accept: true },
    lost_before: { kind: 'hang', accept: false },
    reset_after: { kind: 'reset', accept: true },
    reset_before: { kind: 'reset', accept: false },
    error_after: { kind: 'html', status: 502, accept: true },
    error_before: { kind: 'html', status: 503, accept: false },
    refused: ask === 'cancel' ? { kind: 'cancel_refused' } : { kind: 'unauthorized' },
    rate_limited: { kind: 'rate_limit', retryAfterS: 0, hasBody: false },
    unauthorized: { kind: 'token_death', token: 'access' },
    no_id: { kind: 'no_location' },
    wrong_id: { kind: 'wrong_location' },
    reject_later: { kind: 'reject' },
    half_answer: { kind: 'half_body', isCut: true },
    fill_first: ask === 'replace' ? { kind: 'fill_during_replace' } : { kind: 'fill_during_cancel' },
    fill_late: { kind: 'fill_after_cancel', lagMs: LAG_MS },
    late_list: { kind: 'list_lag', ms: LAG_MS },
    late_positions: { kind: 'positions_lag', ms: LAG_MS },
  };
  return faults[fault];
}

function venueOf(simulator: SchwabSimulator, clock: Clock): Venue {
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
    manualOrder: (order: BrokerOrder) => String(simulator.manualOrder(orderBody(order, DEFAULT_TICKS))),
    loseLogin: () => {
      simulator.oauth.killRefreshToken();
      simulator.oauth.killAccessTokens();
    },
    restrictToClosing: () => simulator.setClosingOnly(true),
    assign: (symbol, contracts) => void simulator.assign(symbol, contracts, { showAfterMs: 0 }),
    dropHints: () => void simulator.streamer.drop(),
    hearsHints: () => simulator.streamer.connections() > 0,
    stop: () => simulator.stop(),
  };
}

/** Starts the simulator at noon of 2026-11-20, logs in, and makes a broker for it. Ends both after the test. */
export async function simulatedSchwab(
  options: {
    readonly broker?: Partial<SchwabOptions>;
    readonly simulator?: SchwabSimulatorOptions;
    readonly limits?: 'ample' | 'tiny';
  } = {},
): Promise<SimulatedSchwab> {
  const clock = acceleratedClock({ start: NOON, speed: 1 });
  const simulator = await startSchwabSimulator({
    clock,
    accounts: [{ accountNumber: '12345678', cash_e4: 50_000_000_000 }],
    delays: { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 30, rejectMs: 30 },
    ordersPerMinute: null,
    ...options.simulator,
  });
  atEnd(() => simulator.stop());
  const { appKey: schwabApiKey, appSecret: schwabApiSecret, callbackUrl: schwabCallbackUrl } = simulator;
  const config = await configFor(simulator.restUrl, { schwabApiKey, schwabApiSecret, schwabCallbackUrl });
  const grant = simulator.oauth.login();
  const { access_token: accessToken, refresh_token: refreshToken } = grant;
  await storeLogin(config, tokensAt(clock.now(), { accessToken, refreshToken }));
  const ample = { perMinute: 100_000, ordersPerMinute: 100_000, reserved: 10 };
  const broker = createSchwabBroker({
    ...config,
    clock,
    limits: options.limits === 'tiny' ? { ordersPerMinute: 4, reserved: 2, perMinute: 1000 } : ample,
    timing: { orderTimeoutMs: 1500, readTimeoutMs: 1500, backoffFirstMs: 20, backoffMaxMs: 100 },
    streamer: { reconnectFirstMs: 50 },
    ...options.broker,
  });
  atEnd(() => broker.close());
  return { broker, simulator, clock, config, venue: venueOf(simulator, clock) };
}
