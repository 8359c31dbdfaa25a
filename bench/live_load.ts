// Live trading under load, as real processes on real sockets: what is lost, how far behind, how late, at which cost.
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { type EasternUs, easternFromEpochMs, formatEastern } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { type BenchDatabase, isTimescale, onEachEngine } from './databases.ts';
import type { SentQuotes } from './live_source.ts';
import { type LiveTree, memoryOf, nodeSeconds, PERIOD_MS, startLiveTree, TREE } from './live_tree.ts';
import {
  atLeast,
  atMost,
  type Bench,
  cpuSeconds,
  type Figure,
  type Goal,
  quantile,
  runBenchmark,
} from './support.ts';

const CONTRACTS = 400;
const CPU_GOAL_US = 5;
const SUSTAINED_GOAL = 100_000;
const BURST_DRAIN_GOAL_S = 5;
const MEMORY_GOAL_MB = 250;
const SIGNAL_GOAL_MS = 10;
const ORDER_GOAL_MS = 15;
const EXIT_GOALS_MS = { p99: 50, max: 250 };
// Of latencies that are goals.
const GOAL_RATE = 10_000;
const MOST_DRAIN_S = 600;
const QUICK_DRAIN_S = 45;
// What was sent last is decided by then.
const SETTLE_MS = 3000;

interface Case {
  readonly name: string;
  readonly kind: 'latency' | 'sustained' | 'burst';
  readonly rate: number;
  readonly seconds: number;
}

function casesOf({ options: { quick, numbers } }: Bench): readonly Case[] {
  const { rate, seconds } = numbers;
  if (rate !== undefined || seconds !== undefined) {
    const own = { rate: rate ?? SUSTAINED_GOAL, seconds: seconds ?? 20 };
    return [{ name: `${text(own.rate)}/s for ${own.seconds} s`, kind: 'sustained', ...own }];
  }
  const of = (kind: Case['kind'], perSecond: number, long: number, short: number): Case => ({
    ...{ name: `${kind} ${text(perSecond)}/s`, kind, rate: perSecond, seconds: quick ? short : long },
  });
  return [
    // Left out of a quick run: it is the next one's lesser brother.
    ...(quick ? [] : [of('latency', 1000, 120, 8)]),
    of('latency', GOAL_RATE, 300, 8),
    of('burst', 150_000, 10, 3),
    of('sustained', SUSTAINED_GOAL, 600, 20),
  ];
}

function text(count: number): string {
  return count.toLocaleString('en-US');
}

interface Measured {
  readonly sent: SentQuotes;
  readonly stored: number;
  /** Null where it was given up. */
  readonly drainSeconds: number | null;
  readonly cpu: { readonly process: number; readonly backend: number };
  readonly from: EasternUs;
  readonly to: EasternUs;
}

async function backendPid(owner: pg.Client, stream: string): Promise<number> {
  const { rows } = await owner.query<{ pid: number }>(
    'select pid from pg_stat_activity where application_name = $1 order by backend_start desc limit 1',
    [`strikebase ${stream}`],
  );
  return rows[0]?.pid ?? 0;
}

async function measure(
  bench: Bench,
  owner: pg.Client,
  tree: LiveTree,
  { rate, seconds }: Case,
): Promise<Measured> {
  const pid = await backendPid(owner, 'ingest-options');
  const cpu = () => ({
    process: nodeSeconds(tree.pids['ingest-options']),
    backend: cpuSeconds(pid, 'postgres') ?? Number.NaN,
  });
  const before = cpu();
  const from = systemClock().now();
  const sent = await tree.send(rate, seconds);
  const drainSeconds = await drained(bench, owner, sent);
  const after = cpu();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const to = systemClock().now();
  const { rows } = await owner.query<{ stored: number }>(
    `select count(*)::integer as stored from market.option_quotes q
     where q.ts_event >= $1::timestamp - interval '1 minute' and q.ts_event <= $2 and q.seq >= $3 and q.seq <= $4`,
    [formatEastern(from), formatEastern(to), sent.firstSeq, sent.lastSeq],
  );
  const spent = { process: after.process - before.process, backend: after.backend - before.backend };
  return { sent, stored: rows[0]?.stored ?? 0, drainSeconds, cpu: spent, from, to };
}

/** Seconds from the last quote's sending until it is stored. */
async function drained(bench: Bench, owner: pg.Client, sent: SentQuotes): Promise<number | null> {
  const ended = performance.now();
  const most = bench.options.quick ? QUICK_DRAIN_S : MOST_DRAIN_S;
  const values = [sent.lastSymbol, formatEastern(easternFromEpochMs(sent.lastMs)), sent.lastSeq];
  while (performance.now() - ended < most * 1000) {
    const { rows } = await owner.query<{ is_stored: boolean }>({
      name: 'drained',
      text: `select exists (
          select from market.option_quotes q
          where q.instrument_id = (select i.instrument_id from ref.instruments i where i.symbol = $1)
            and q.ts_event = $2 and q.seq = $3
        ) as is_stored`,
      values,
    });
    if (rows[0]?.is_stored) return (performance.now() - ended) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return null;
}

// The receipt of the rows that moved both marks past an instant: from then on what waited for it could be decided.
const MARKED_SQL = `
  create or replace function pg_temp.marked(p_tick_feed smallint, p_quote_feed smallint, p_ts timestamp) returns timestamp
  language sql stable as $$
    select greatest(
      (
        select min(t.ts_recv) from market.equity_ticks t
        where t.feed_id = p_tick_feed and t.ts_event >= p_ts and t.ts_event < p_ts + interval '10 s'
      ),
      (
        select min(q.ts_recv)
        from ref.instruments i
        cross join lateral (
          select x.ts_recv from market.option_quotes x
          where x.instrument_id = i.instrument_id and x.feed_id = p_quote_feed and x.ts_event >= p_ts
            and x.ts_event < p_ts + interval '10 s'
          order by x.ts_event, x.seq
          limit 1
        ) q
        where i.kind = 'option'
      )
    )
  $$`;

const ENTRY_SQL = `
  select
    extract(epoch from ref.eastern(pg_xact_commit_timestamp(s.xmin)) - m.ts_marked)::float8 * 1000 as signal_ms,
    extract(epoch from ref.eastern(pg_xact_commit_timestamp(o.xmin)) - m.ts_marked)::float8 * 1000 as order_ms
  from signal.signals s
  left join trade.order_intents o on o.run_id = s.run_id and o.ts = s.ts and o.purpose = 'entry'
  join trade.runs r on r.run_id = s.run_id
  cross join lateral (
    select pg_temp.marked(r.tick_feed_id, r.quote_feed_id, s.ts + make_interval(secs => r.grace_ms / 1000.0)) as ts_marked
  ) m
  where s.ts >= $1 and s.ts < $2`;

const EXIT_SQL = `
  select
    extract(epoch from c.ts - q.ts_recv)::float8 * 1000 as came_ms,
    extract(epoch from c.ts - greatest(q.ts_recv, m.ts_marked))::float8 * 1000 as ripe_ms
  from trade.order_intents o
  join trade.decisions d on d.decision_id = o.decision_id
  join trade.runs r on r.run_id = o.run_id
  cross join lateral (
    select max(q.ts_recv) as ts_recv from market.option_quotes q
    where q.instrument_id = d.instrument_id and q.feed_id = r.quote_feed_id and q.ts_event = d.quote_ts
  ) q
  -- A quote is not looked at before the periods that end before it are decided.
  cross join lateral (
    select pg_temp.marked(
      r.tick_feed_id, r.quote_feed_id,
      date_bin('${PERIOD_MS} ms', d.quote_ts, '2000-01-01') + make_interval(secs => r.grace_ms / 1000.0)
    ) as ts_marked
  ) m
  cross join lateral (select ref.eastern(pg_xact_commit_timestamp(o.xmin)) as ts) c
  where o.purpose = 'exit' and o.attempt = 1 and d.reason in ('take_profit', 'stop_loss') and o.ts >= $1 and o.ts < $2`;

interface Latencies {
  readonly signal: readonly number[];
  readonly order: readonly number[];
  /** From the receipt of the quote that triggered it. */
  readonly exit: readonly number[];
  /** Without the wait for the period before that quote. */
  readonly ripeExit: readonly number[];
}

async function latenciesOf(owner: pg.Client, { from, to }: Measured): Promise<Latencies | null> {
  const { rows: setting } = await owner.query<{ is_on: boolean }>(
    "select current_setting('track_commit_timestamp') = 'on' as is_on",
  );
  if (!setting[0]?.is_on) return null;
  const values = [formatEastern(from), formatEastern(to)];
  await owner.query(MARKED_SQL);
  const entries = await owner.query<{ signal_ms: number | null; order_ms: number | null }>(ENTRY_SQL, values);
  const exits = await owner.query<{ came_ms: number | null; ripe_ms: number | null }>(EXIT_SQL, values);
  const known = (values: readonly (number | null)[]): number[] => values.filter((each) => each !== null);
  return {
    signal: known(entries.rows.map((row) => row.signal_ms)),
    order: known(entries.rows.map((row) => row.order_ms)),
    exit: known(exits.rows.map((row) => row.came_ms)),
    ripeExit: known(exits.rows.map((row) => row.ripe_ms)),
  };
}

function reportLoad(bench: Bench, engine: string, each: Case, measured: Measured): void {
  const { sent, stored, drainSeconds, cpu } = measured;
  const add = (figure: string, value: number | string, unit: string, goal?: Goal): void =>
    bench.add({ engine, figure: `${each.name}, ${figure}`, value, unit, goal });
  const lost = sent.quotes - stored;
  const isWhole = lost === 0 && drainSeconds !== null;
  // Stored while it was sent, not afterwards.
  const rate = isWhole ? stored / (each.seconds + drainSeconds) : stored / each.seconds;
  const isGoal = isTimescale(engine) && each.kind === 'sustained' && each.rate >= SUSTAINED_GOAL;
  add('sent', sent.quotes, 'rows');
  add(
    'stored',
    rate,
    'rows/s',
    isGoal && isWhole ? atLeast(Math.round(rate), 0.99 * SUSTAINED_GOAL) : undefined,
  );
  add('lost', drainSeconds === null ? `${text(lost)} not yet stored` : lost, 'rows', atMost(lost, 0, 'rows'));
  const limit = each.kind === 'burst' ? BURST_DRAIN_GOAL_S : null;
  const drain = drainSeconds ?? 'given up';
  const drainGoal = limit === null ? undefined : atMost(drainSeconds ?? Infinity, limit, 's');
  add('backlog drained after', drain, 's', drainGoal);
  const { p50, p99, max } = sent.lateMs;
  add('sender late, p50 / p99 / max', `${[p50, p99, max].map((ms) => ms.toFixed(1)).join(' / ')}`, 'ms');
  const perQuote = ((cpu.process + cpu.backend) * 1e6) / Math.max(1, stored);
  const parts = [cpu.process, cpu.backend].map((seconds) =>
    ((seconds * 1e6) / Math.max(1, stored)).toFixed(1),
  );
  add(
    'CPU of a quote',
    perQuote,
    'us',
    each.rate < SUSTAINED_GOAL ? undefined : atMost(perQuote, CPU_GOAL_US, 'us'),
  );
  add('of it process / backend', parts.join(' / '), 'us');
}

function reportLatencies(bench: Bench, engine: string, each: Case, latencies: Latencies): void {
  const isGoal = each.rate === GOAL_RATE && each.kind === 'latency';
  const of = (
    name: string,
    times: readonly number[],
    goals: { p99: number; max?: number } | null,
  ): Figure[] => {
    const figure = (what: string, value: number, limit: number | undefined): Figure => ({
      ...{ engine, figure: `${each.name}, ${name}, ${what}`, unit: 'ms' },
      value: times.length === 0 ? 'none' : value,
      goal: limit === undefined || times.length === 0 ? undefined : atMost(value, limit, 'ms'),
    });
    return [
      figure('p50', quantile(times, 0.5), undefined),
      figure('p99', quantile(times, 0.99), goals?.p99),
      figure('max', Math.max(...times), goals?.max),
      { engine, figure: `${each.name}, ${name}, number`, value: times.length, unit: '' },
    ];
  };
  bench.add(
    ...of('tick to signal', latencies.signal, isGoal ? { p99: SIGNAL_GOAL_MS } : null),
    ...of('tick to entry order', latencies.order, isGoal ? { p99: ORDER_GOAL_MS } : null),
    ...of('exit trigger to order, all of it', latencies.exit, null),
    ...of('exit trigger to order, without the wait for periods', latencies.ripeExit, EXIT_GOALS_MS),
  );
}

function reportMemory(bench: Bench, engine: string, tree: LiveTree): void {
  for (const part of TREE) {
    const { now, most } = memoryOf(tree.pids[part]);
    bench.add(
      { engine, figure: `memory of ${part}, at the end`, value: now, unit: 'MB' },
      {
        ...{ engine, figure: `memory of ${part}, at most`, value: most, unit: 'MB' },
        goal: atMost(most, MEMORY_GOAL_MB, 'MB'),
      },
    );
  }
}

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const owner = await connect({ url, role: 'owner', name: 'live_load' });
  const contracts = bench.options.numbers.contracts ?? CONTRACTS;
  const strikesEachSide = Math.max(0, Math.floor(contracts / 4));
  const tree = await startLiveTree({ url, owner, folder: bench.folder, strikesEachSide });
  try {
    bench.add({ engine, figure: 'contracts', value: tree.contracts, unit: '' });
    for (const each of casesOf(bench)) {
      bench.note(`${engine}: ${each.name}, ${each.seconds} s`);
      const measured = await measure(bench, owner, tree, each);
      reportLoad(bench, engine, each, measured);
      const latencies = await latenciesOf(owner, measured);
      if (latencies !== null) reportLatencies(bench, engine, each, latencies);
    }
    reportMemory(bench, engine, tree);
  } catch (error) {
    bench.note(tree.said().slice(-2000));
    throw error;
  } finally {
    await tree.end();
    await owner.end();
  }
}

const work = (bench: Bench) =>
  onEachEngine(bench, (database) => run(bench, database), { track_commit_timestamp: 'on' });
await runBenchmark('live_load', work, ['rate', 'seconds', 'contracts']);
