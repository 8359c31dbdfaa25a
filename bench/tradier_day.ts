// A whole day at the simulated Tradier, with faults: every snapshot that is due, and spreads opened and closed by the adapter; then
// what is stored and reported against what the simulator knows. `--speed N` (default 12), `--seed N`.
import { acceleratedClock, type Clock } from '../core/clock.ts';
import { addMs, type EasternUs, parseEastern, type SessionDate } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { ingestTradier } from '../ingest/tradier/session.ts';
import type { Broker, BrokerOrder, OrderReport } from '../jobs/brokers/broker.ts';
import { createTradierBroker } from '../jobs/brokers/tradier/tradier_broker.ts';
import { sessionHours } from '../sim/session.ts';
import { startTradierSimulator, type TradierSimulator } from '../sim/tradier/server.ts';
import { spxDay } from '../sim/tradier/spx_day.ts';
import { type BenchDatabase, onBuiltIn } from './databases.ts';
import { type atLeast, atMost, type Bench, runBenchmark } from './support.ts';
import { TRADIER_FAULTS } from './tradier_faults.ts';

const DATE = '2026-11-18' as SessionDate;
const SHORT = 'SPXW  261123P05900000';
const LONG = 'SPXW  261123P05875000';
const ROUND_MS = 20 * 60_000;
const HOLD_MS = 8 * 60_000;
const FAULT_RATE = 0.15;

function time(text: string): EasternUs {
  return parseEastern(`${DATE} ${text}`) as EasternUs;
}

function order(effect: 'open' | 'close', qty: number): BrokerOrder {
  const isOpen = effect === 'open';
  return {
    legs: [
      { symbol: SHORT, side: isOpen ? 'sell' : 'buy', effect, ratio: 1 },
      { symbol: LONG, side: isOpen ? 'buy' : 'sell', effect, ratio: 1 },
    ],
    ...{ qty, isCredit: isOpen, stop_px_e4: null },
    ...(isOpen ? { type: 'limit', limit_px_e4: 1000 } : { type: 'market', limit_px_e4: null }),
  };
}

/** Tries until it is answered: reads only. */
async function patient<T>(clock: Clock, read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch {
      await clock.sleep(5000);
    }
  }
}

/** Sends once, finds what is unknown again by its tag, and waits for the end, with a cancel for what does not fill. */
async function trade(
  broker: Broker,
  clock: Clock,
  sent: BrokerOrder,
  clientId: string,
): Promise<OrderReport | null> {
  const priority = sent.isCredit ? 'entry' : 'exit';
  const outcome = await broker.submit(sent, { clientId, priority });
  if (outcome.kind === 'not_sent' || outcome.kind === 'rejected') return null;
  let id = outcome.kind === 'submitted' ? outcome.venueOrderId : null;
  const began = clock.now();
  for (let looks = 1; ; looks += 1) {
    await clock.sleep(10_000);
    if (id === null) {
      const all = await patient(clock, () => broker.ordersSince(time('09:00')));
      id = all.find((report) => report.clientId === clientId)?.venueOrderId ?? null;
      if (id === null && clock.now() > addMs(began, 120_000)) return null;
      continue;
    }
    const found = id;
    const report = await patient(clock, () => broker.order(found));
    if (report !== null && report.state !== 'working' && report.state !== 'unknown') return report;
    if (looks % 6 === 0) await broker.cancel(found);
  }
}

interface Rounds {
  readonly sent: number;
  readonly ended: number;
  readonly sum: ReadonlyMap<string, number>;
}

/** Opens a spread every twenty minutes and closes what it holds; what its own fills come to, by contract. */
async function tradeAll(broker: Broker, clock: Clock): Promise<Rounds> {
  let sent = 0;
  for (let at = time('09:45'), round = 1; at < time('15:30'); at = addMs(at, ROUND_MS), round += 1) {
    while (clock.now() < at) await clock.sleep((at - clock.now()) / 1000);
    await trade(broker, clock, order('open', 3), `open-${round}`);
    sent += 1;
    await clock.sleep(HOLD_MS);
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      const held = await patient(clock, () => broker.positions());
      const qty = Math.abs(held.find((each) => each.symbol === SHORT)?.qty ?? 0);
      if (qty === 0) break;
      await trade(broker, clock, order('close', qty), `close-${round}-${attempt}`);
      sent += 1;
    }
  }
  const reports = await patient(clock, () => broker.ordersSince(time('09:00')));
  const sum = new Map<string, number>();
  for (const report of reports) {
    for (const fill of report.fills) {
      const leg = report.order.legs[fill.legNo - 1];
      if (leg === undefined) continue;
      sum.set(leg.symbol, (sum.get(leg.symbol) ?? 0) + (leg.side === 'buy' ? fill.qty : -fill.qty));
    }
  }
  return { sent, ended: reports.filter((report) => report.state !== 'working').length, sum };
}

/** Contracts by which our fills and the simulator's books differ, and tags that it has taken twice. */
function differences(
  simulator: TradierSimulator,
  rounds: Rounds,
): { readonly contracts: number; readonly twice: number } {
  const contracts = [SHORT, LONG].reduce(
    (total, symbol) => total + Math.abs((rounds.sum.get(symbol) ?? 0) - simulator.ledger.positionOf(symbol)),
    0,
  );
  const tags = simulator.tickets().map((ticket) => ticket.tag);
  return { contracts, twice: tags.length - new Set(tags).size };
}

const COUNTS_SQL = `
  select
    (select count(*)::integer from market.chain_snapshots) as snapshots,
    (select count(*)::integer from (select distinct ts_event from market.chain_snapshots) s) as instants,
    (select count(*)::integer from market.option_snapshots) as contracts,
    (select count(*)::integer from market.option_quotes) as quotes,
    (select count(distinct ts_event)::integer from market.equity_ticks) as minutes,
    (select count(*)::integer from ops.feed_gaps where cause = 'missed') as missed,
    (select coalesce(sum(octet_length(payload)), 0)::bigint from market.chain_snapshots) as bytes,
    (select percentile_cont(0.99) within group (order by extract(epoch from ts_recv - ts_event)) from market.chain_snapshots) as late`;

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const { speed = 12, seed = 1 } = bench.options.numbers;
  const until = bench.options.quick ? '10:15' : '16:00';
  const session = { sessionDate: DATE, tsOpen: time('09:30'), tsClose: time('16:00') };
  const clock = acceleratedClock({ start: time('09:28'), speed });
  const market = spxDay({ seed, session: sessionHours(session), price: 6000 });
  const delayMs = 900_000;
  const simulator = await startTradierSimulator({
    ...{ clock, market, delayMs, seed, limits: null, matchEveryMs: 5000 },
  });
  simulator.misbehave({ seed, rate: FAULT_RATE, faults: TRADIER_FAULTS });
  const config = {
    tradierBaseUrl: simulator.restUrl,
    tradierToken: simulator.token,
    logLevel: 'silent',
    secrets: [],
  } as const;
  // Time-outs are real time, of which a second is several here.
  const timing = { orderTimeoutMs: 1500, readTimeoutMs: 1500, backoffFirstMs: 10, backoffMaxMs: 100 };
  const limits = { perMinute: 1e6, ordersPerMinute: 1e6 };
  const broker = createTradierBroker({ ...config, tradierAccount: simulator.account, clock, timing, limits });
  const began = performance.now();
  const feed = ingestTradier({
    ...{ databaseUrl: url, config, clock, underlying: 'SPX', perMinute: 1e6, timing },
    session: { ...session, tsClose: time(until) },
    signal: new AbortController().signal,
    onNotice: (text) => bench.note(text),
  });
  const [, rounds] = await Promise.all([feed, bench.options.quick ? null : tradeAll(broker, clock)]);
  const wall = (performance.now() - began) / 1000;
  const client = await connect({ url, role: 'owner', name: 'bench' });
  const [counts] = (await client.query(COUNTS_SQL)).rows;
  await client.end();
  const add = (figure: string, value: number, unit = '', goal?: ReturnType<typeof atLeast>): void =>
    bench.add({ engine, figure, value, unit, goal });
  const injected = simulator.script.injected();
  add('wall time', wall, 's');
  add('requests', simulator.requests().length);
  add('faults met', injected.length);
  add('kinds of fault', new Set(injected.map(({ fault }) => fault.kind)).size);
  add('instants with a snapshot', counts.instants);
  add('snapshots', counts.snapshots);
  add('snapshots and minutes missed', counts.missed);
  add('contracts in them', counts.contracts);
  add('option quotes', counts.quotes);
  add('minutes with index values', counts.minutes);
  add('payloads', counts.bytes / 1e6, 'MB');
  add('late, 99th percentile', Number(counts.late), 's of the day');
  if (rounds !== null) {
    const { contracts, twice } = differences(simulator, rounds);
    add('orders sent', rounds.sent);
    add('orders at the broker', simulator.tickets().length);
    add('orders at an end', rounds.ended);
    add('contracts that differ', contracts, '', atMost(contracts, 0, ''));
    add('tags taken twice', twice, '', atMost(twice, 0, ''));
  }
  await broker.close();
  await simulator.stop();
}

await runBenchmark('tradier_day', (bench) => onBuiltIn(bench, (database) => run(bench, database)), [
  'speed',
  'seed',
]);
