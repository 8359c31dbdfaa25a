// The second system at Tradier, moved by hand: its rule on a chain written here, both order jobs, the real adapter, the simulated venue.
import { afterEach } from 'vitest';
import type { OptionQuote } from '../../../core/domain.ts';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import { connect } from '../../../db/pool.ts';
import type { Broker } from '../../../jobs/brokers/broker.ts';
import { createTradierBroker } from '../../../jobs/brokers/tradier/tradier_broker.ts';
import type { OrderEventName } from '../../../jobs/orders/events.ts';
import { recordedFills } from '../../../jobs/orders/recorded_fills.ts';
import { openReconciler, type ReconcileOptions, type Reconciler } from '../../../jobs/reconcile_orders.ts';
import { openSubmitter, type Submitter } from '../../../jobs/submit_orders.ts';
import { callValue } from '../../../sim/black_scholes.ts';
import { steppingClock } from '../../../sim/stepping_clock.ts';
import { startTradierSimulator, type TradierSimulator } from '../../../sim/tradier/server.ts';
import type { Bench } from '../support/connections.ts';
import {
  addQuotes,
  addTicks,
  contract,
  createMarket,
  e4,
  eastern,
  listContracts,
  tick,
} from '../support/market.ts';
import { attachRun } from '../support/runs.ts';

export const DATE = '2026-06-17';
const EXPIRATION = '2026-06-22';
const SPOT = 6000;
// Of five days at 15 % a year.
const DEVIATION = 0.15 * Math.sqrt(5 / 365);
const STRIKES = [5800, 5825, 5850, 5875, 5900, 5925, 6000, 6025];
/** The spread that the rule sells at 10:00. */
export const SOLD = contract('P5875', EXPIRATION, 'SPXW');
export const BOUGHT = contract('P5850', EXPIRATION, 'SPXW');

/** Bid and ask of the leg that is sold, and of the one that is bought. */
export type LegQuotes = readonly [sold: readonly [number, number], bought: readonly [number, number]];

export interface SpreadWorld {
  readonly simulator: TradierSimulator;
  readonly broker: Broker;
  readonly account: string;
  readonly runId: number;
  readonly told: { readonly name: OrderEventName; readonly data: Readonly<Record<string, unknown>> }[];
  submitter: Submitter;
  reconciler: Reconciler;
  now(): EasternUs;
  moveTo(time: string | number): void;
  /** Quotes of both legs from now on, in the database and at the venue. */
  quote(quotes: LegQuotes): Promise<void>;
  slice(): Promise<void>;
  /** Sends what there is to send, and waits for the answers. */
  send(): Promise<void>;
  /** Passes, slices and sends, a quarter of a second apart. */
  goOn(ms: number): Promise<void>;
  openReconciler(more?: Partial<ReconcileOptions>): Promise<Reconciler>;
  /** One `purpose#attempt type price state filled/qty` for every order, in the order of intents. */
  orders(): Promise<string[]>;
  /** One `side qty symbol price` for every fill. */
  fills(): Promise<string[]>;
  /** Contracts by our fills. */
  held(): Promise<Record<string, number>>;
  /** Id of the venue's last order. */
  lastId(): number;
  column(sql: string, values?: readonly unknown[]): Promise<string[]>;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

const ORDERS_SQL = `
  select concat_ws(' ', o.purpose || '#' || o.attempt, o.order_type, to_char(o.limit_px_e4 / 10000.0, 'FM990.00'), o.state,
    o.filled_qty || '/' || o.qty) as line
  from trade.orders o where o.run_id = $1 order by o.intent_id`;
const FILLS_SQL = `
  select concat_ws(' ', f.side, f.effect, f.qty, n.symbol, to_char(f.px_e4 / 10000.0, 'FM990.00')) as line
  from trade.fills f join ref.instruments n using (instrument_id) where f.account = $1 order by f.intent_id, f.leg_no, f.fill_id`;
const HELD_SQL = 'select p.symbol, p.qty from trade.open_positions($1) p order by p.symbol';

let worlds = 0;

function put(strike: number): number {
  return callValue(SPOT, strike, DEVIATION) - SPOT + strike;
}

/** Every contract of the chain a dime around its value. */
function chainAt(at: EasternUs): OptionQuote[] {
  return STRIKES.flatMap((strike) =>
    (strike < SPOT ? [`P${strike}`] : [`P${strike}`, `C${strike}`]).map((label) => {
      const value = label.startsWith('C') ? callValue(SPOT, strike, DEVIATION) : put(strike);
      const mid = Math.round(value * 10) / 10;
      return quoteRow(contract(label, EXPIRATION, 'SPXW'), [mid - 0.1, mid + 0.1], at);
    }),
  );
}

function quoteRow(symbol: OsiSymbol, [bid, ask]: readonly [number, number], at: EasternUs): OptionQuote {
  return {
    ...{ symbol, ts_event: at, event_ns: 0, seq: 0, ts_recv: at },
    ...{ bid_px_e4: e4(bid), ask_px_e4: e4(ask), bid_sz: 50, ask_sz: 50 },
  };
}

/** The world at 09:59:30, with the chain of 10:00 on its way; entries may pass. */
export async function createSpreadWorld(
  bench: Bench,
  options: { readonly settings?: object; readonly wrap?: (broker: Broker) => Broker } = {},
): Promise<SpreadWorld> {
  worlds += 1;
  const account = `spreads-${worlds}`;
  const at = (time: string): EasternUs => eastern(`${DATE} ${time}`);
  const clock = steppingClock(at('09:59:30'));
  const owner = bench.owner();
  const runner = bench.runner();
  const market = await createMarket(owner);
  await listContracts(owner, [SOLD, BOUGHT]);
  const closes = Array.from({ length: 30 }, (_, i) => addMs(at('09:30'), i * 60_000));
  await addTicks(
    market,
    closes.map((ts_event) => tick({ symbol: 'SPX', ts_event, close_e4: e4(SPOT) })),
  );
  await addQuotes(market, chainAt(at('10:00')));
  await owner.query(
    `insert into ops.readiness_checks (ts, name, ok, detail)
     select ts, 'test', true, 'ok' from generate_series($1::timestamp, $1::timestamp + interval '3 hours', interval '1 minute') as ts`,
    [formatEastern(at('09:00'))],
  );
  const simulator = await startTradierSimulator({
    ...{ clock, limits: null },
    delays: { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 0, rejectMs: 0 },
  });
  cleanups.push(() => simulator.stop());
  const url = bench.database.url();
  const ample = { perMinute: 100_000, ordersPerMinute: 100_000, reserved: 10 };
  const plain = createTradierBroker({
    ...{ tradierBaseUrl: simulator.restUrl, tradierToken: simulator.token, tradierAccount: null, clock },
    ...{ limits: ample, timing: { orderTimeoutMs: 700, readTimeoutMs: 2000 } },
    knownFills: recordedFills(() => connect({ url, role: 'job_runner', name: 'test' }), account),
  });
  cleanups.push(() => plain.close());
  const broker = options.wrap?.(plain) ?? plain;
  const settings = { account, dte_targets: [5], delta_targets: [0.1], ...options.settings };
  const { rows } = await runner.query<{ id: number }>(
    `select trade.open_run('live', 'spx_credit_vertical', $1, $2, $3, $4, $5, 'tradier', 'test', $1) as id`,
    [formatEastern(clock.now()), `${DATE} 16:30:00`, market.tickFeed, market.quoteFeed, settings],
  );
  const run = attachRun(runner, rows[0]?.id as number);
  const told: SpreadWorld['told'] = [];
  const shared = {
    ...{ url, account, broker, clock },
    onEvent: (name: OrderEventName, data: Readonly<Record<string, unknown>>) =>
      void told.push({ name, data }),
  };
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const job = await opening;
    cleanups.push(() => job.close());
    return job;
  };
  const reads = { perMinute: 1e6, burst: 1e6 };
  const pool = bench.database.pool();
  const column: SpreadWorld['column'] = async (sql, values = []) => {
    const { rows: found } = await pool.query<Record<string, string>>(sql, [...values]);
    return found.map((row) => String(Object.values(row)[0]));
  };
  const world: SpreadWorld = {
    ...{ simulator, broker, account, runId: run.id, told, column },
    submitter: await keep(openSubmitter(shared)),
    reconciler: await keep(openReconciler({ ...shared, reads })),
    now: () => clock.now(),
    moveTo: (time) => {
      clock.moveTo(typeof time === 'number' ? addMs(clock.now(), time) : at(time));
      clock.wake();
    },
    quote: async ([sold, bought]) => {
      await addQuotes(market, [quoteRow(SOLD, sold, clock.now()), quoteRow(BOUGHT, bought, clock.now())]);
      simulator.setQuote(SOLD, e4(sold[0]), e4(sold[1]), 50, 50);
      simulator.setQuote(BOUGHT, e4(bought[0]), e4(bought[1]), 50, 50);
    },
    slice: async () => void (await run.advance(clock.now(), clock.now())),
    send: async () => {
      await world.submitter.step();
      await world.submitter.settled();
    },
    goOn: async (ms) => {
      for (let passed = 0; passed < ms; passed += 250) {
        world.moveTo(250);
        await world.reconciler.pass();
        await world.slice();
        await world.send();
      }
    },
    openReconciler: (more = {}) => keep(openReconciler({ ...shared, reads, ...more })),
    orders: () => column(ORDERS_SQL, [run.id]),
    fills: () => column(FILLS_SQL, [account]),
    held: async () => {
      const { rows: found } = await pool.query<{ symbol: string; qty: number }>(HELD_SQL, [account]);
      return Object.fromEntries(found.map(({ symbol, qty }) => [symbol, qty]));
    },
    lastId: () => simulator.tickets().at(-1)?.id ?? 0,
  };
  for (const { symbol, bid_px_e4, ask_px_e4 } of chainAt(at('10:00'))) {
    simulator.setQuote(symbol, bid_px_e4 ?? 0, ask_px_e4 ?? 0, 50, 50);
  }
  return world;
}

/** The entry of 10:00 is decided, and was sent; the clock stands at 10:00:00.5. */
export async function enter(world: SpreadWorld): Promise<void> {
  world.moveTo('10:00:00.2');
  await world.reconciler.pass();
  await world.slice();
  world.moveTo(300);
  await world.send();
}
