// A whole day of system S2 at the simulated Tradier with faults: its feed, its rule behind the feed's marks, both order jobs, one clock.
// An entry every half an hour, targets and stops near, so that a day has many trades; then our fills against the simulator's books.
// `--speed N` (default 20), `--seed N`, `--until HOUR` (default 16).
import { tradingOf } from '../cli/trading.ts';
import { acceleratedClock } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { type EasternUs, formatEastern, parseEastern, type SessionDate } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { registerFeeds } from '../ingest/stream_feed.ts';
import { ingestTradier } from '../ingest/tradier/session.ts';
import { createTradierBroker } from '../jobs/brokers/tradier/tradier_broker.ts';
import { followLive, openLive } from '../jobs/live.ts';
import { recordedFills } from '../jobs/orders/recorded_fills.ts';
import { reconcileOrders } from '../jobs/reconcile_orders.ts';
import { submitOrders } from '../jobs/submit_orders.ts';
import { sessionHours } from '../sim/session.ts';
import { startTradierSimulator, type TradierSimulator } from '../sim/tradier/server.ts';
import { spxDay } from '../sim/tradier/spx_day.ts';
import { type BenchDatabase, onBuiltIn } from './databases.ts';
import { atMost, type Bench, runBenchmark } from './support.ts';
import { TRADIER_FAULTS } from './tradier_faults.ts';

const DATE = '2026-11-18' as SessionDate;
const STRATEGY = 'spx_credit_vertical';
const FAULT_RATE = 0.05;
// Thirteen slots a day, a trade wherever there is none, and exits that come.
const SETTINGS = {
  account: 'spx-day',
  entry_times: '10:00,10:30,11:00,11:30,12:00,12:30,13:00,13:30,14:00,14:30,15:00,15:30',
  max_entries_per_day: null,
  stop_ends_day: 'false',
  max_orders_per_day: '400',
  contracts: '3',
  take_profit_ratio: '0.93',
  stop_loss_ratio: '1.1',
} as const;

function time(text: string): EasternUs {
  return parseEastern(`${DATE} ${text}`) as EasternUs;
}

const COUNTS_SQL = `
  select
    (select count(*)::integer from signal.signals where run_id = $1) as slots,
    (select count(*)::integer from trade.decisions where run_id = $1 and kind = 'entry' and verdict = 'TRADE') as entries,
    (select count(*)::integer from trade.decisions where run_id = $1 and kind = 'exit') as exits,
    (select count(*)::integer from trade.order_intents where run_id = $1) as intents,
    (select count(*)::integer from trade.order_events where run_id = $1 and state = 'unknown') as unknown,
    (select count(*)::integer from trade.fills where run_id = $1) as fills,
    (select count(*)::integer from trade.round_trips where run_id = $1) as trips,
    (select coalesce(sum(net), 0)::float8 from trade.round_trips where run_id = $1) as net,
    (select count(*)::integer from trade.controls where halted) as halts,
    (select string_agg(distinct reason, '; ') from trade.controls where halted) as reasons,
    (select count(*)::integer from ops.feed_gaps where cause = 'missed') as missed,
    (select string_agg(reason || ' ' || n, ', ' order by n desc) from (
      select d.reason, count(*) as n from trade.decisions d join signal.signals s using (run_id, ts)
      where d.run_id = $1 and d.kind = 'entry' and d.verdict = 'SKIP' group by 1) x) as skips`;

const HELD_SQL = `
  select n.symbol, sum(case f.side when 'buy' then f.qty else -f.qty end)::integer as qty
  from trade.fills f join ref.instruments n using (instrument_id) where f.run_id = $1 group by n.symbol`;

interface Held {
  readonly symbol: string;
  readonly qty: number;
}

function differing(simulator: TradierSimulator, held: readonly Held[]): number {
  const ours = new Map(held.map(({ symbol, qty }) => [symbol, qty]));
  const legs = simulator.tickets().flatMap(({ order }) => order.spec.legs.map(({ symbol }) => symbol));
  return [...new Set([...ours.keys(), ...legs])].reduce(
    (sum, symbol) => sum + Math.abs((ours.get(symbol) ?? 0) - simulator.ledger.positionOf(symbol)),
    0,
  );
}

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const { speed = 20, seed = 1, until = 16 } = bench.options.numbers;
  const last = time(bench.options.quick ? '10:45' : `${String(until).padStart(2, '0')}:00`);
  const hours = { tsOpen: time('09:30'), tsClose: time('16:00') };
  const session = sessionHours({ sessionDate: DATE, ...hours });
  const clock = acceleratedClock({ start: time('09:55'), speed });
  const simulator = await startTradierSimulator({
    ...{ clock, seed, limits: null, matchEveryMs: 2000, market: spxDay({ seed, session, price: 6000 }) },
  });
  simulator.misbehave({ seed, rate: FAULT_RATE, faults: TRADIER_FAULTS });
  const config = parseConfig({
    BROKER: 'tradier',
    TRADIER_TOKEN: simulator.token,
    TRADIER_BASE_URL: simulator.restUrl,
    LOG_LEVEL: 'silent',
  });
  const owner = await connect({ url, role: 'owner', name: 'bench' });
  const trading = await tradingOf(owner, config, STRATEGY);
  const { underlying, feeds, streams, kind } = trading;
  await owner.query(
    `insert into ops.readiness_checks (ts, name, ok, detail)
     select ts, 'bench', true, 'ok' from generate_series($1::timestamp, $1::timestamp + interval '7 hours', interval '1 minute') as ts`,
    [formatEastern(time('09:50'))],
  );
  await registerFeeds(owner, feeds, underlying, kind);
  // Time-outs are real time, of which a second is many here.
  const timing = { orderTimeoutMs: 1500, readTimeoutMs: 1500, backoffFirstMs: 10, backoffMaxMs: 100 };
  const broker = createTradierBroker({
    ...{ ...config, clock, timing, limits: { perMinute: 1e6, ordersPerMinute: 1e6, reserved: 10 } },
    knownFills: recordedFills(() => connect({ url, role: 'job_runner', name: 'bench' }), SETTINGS.account),
  });
  const live = await openLive({
    ...{ url, clock, strategy: STRATEGY, settings: SETTINGS, broker: 'tradier', ...streams },
    ...{ tickFeed: feeds.ticks.name, quoteFeed: feeds.quotes.name },
    session: { from: hours.tsOpen, to: time('16:30'), optionClose: time('16:15') },
  });
  const ending = new AbortController();
  const { signal } = ending;
  const { account } = SETTINGS;
  const began = performance.now();
  const jobs = Promise.all([
    ingestTradier({
      ...{ databaseUrl: url, config, clock, underlying, days: trading.days, signal, perMinute: 1e6, timing },
      ...{ session: { sessionDate: DATE, ...hours }, onNotice: (text: string) => bench.note(text) },
    }),
    followLive(live, { clock, signal }),
    submitOrders({ url, account, broker, clock, signal }),
    reconcileOrders({ url, account, broker, clock, signal, reads: { perMinute: 1e6, burst: 1e6 } }),
  ]);
  jobs.catch((error: unknown) => bench.note(String(error)));
  while (clock.now() < last) await clock.sleep(Math.min(300_000, (last - clock.now()) / 1000 + 1));
  // What is under way comes to its end without faults.
  simulator.misbehave({ seed, rate: 0, faults: TRADIER_FAULTS });
  await clock.sleep(120_000);
  ending.abort();
  await jobs;
  const [counts] = (await owner.query(COUNTS_SQL, [live.runId])).rows;
  const { rows: held } = await owner.query<Held>(HELD_SQL, [live.runId]);
  await live.close('stopped');
  const injected = simulator.script.injected();
  const tags = simulator.tickets().map((ticket) => ticket.tag);
  const add = (figure: string, value: number | string, unit = '', goal?: ReturnType<typeof atMost>): void =>
    bench.add({ engine, figure, value, unit, goal });
  add('wall time', (performance.now() - began) / 1000, 's');
  add('requests', simulator.requests().length);
  add('faults met', injected.length);
  add('kinds of fault', new Set(injected.map(({ fault }) => fault.kind)).size);
  add('slots considered', counts.slots);
  add('not traded', counts.skips ?? 'none');
  add('entries decided', counts.entries);
  add('exits decided', counts.exits);
  add('orders intended', counts.intents);
  add('orders at the broker', tags.length);
  add('outcomes that were unknown', counts.unknown);
  add('fills of legs', counts.fills);
  add('trades closed', counts.trips);
  add('net of them', counts.net, 'USD');
  add('minutes and snapshots missed', counts.missed);
  add('halts', `${counts.halts} ${counts.reasons ?? ''}`.trim());
  const contracts = differing(simulator, held);
  const twice = tags.length - new Set(tags).size;
  add('contracts that differ from its books', contracts, '', atMost(contracts, 0, ''));
  add('orders taken twice', twice, '', atMost(twice, 0, ''));
  await owner.end();
  await broker.close();
  await simulator.stop();
}

await runBenchmark('spx_day', (bench) => onBuiltIn(bench, (database) => run(bench, database)), [
  'speed',
  'seed',
  'until',
]);
