// Live trading under load, as real processes on real sockets: what is lost, how far behind, how late, at which cost.
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { type EasternUs, easternFromEpochMs, formatEastern } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { type BenchDatabase, isTimescale, onEachEngine } from './databases.ts';
import { EXIT_GOALS_MS, latenciesOf, reportLatencies } from './live_latencies.ts';
import type { SentQuotes } from './live_source.ts';
import { type LiveTree, memoryOf, nodeSeconds, startLiveTree, TREE } from './live_tree.ts';
import { atLeast, atMost, type Bench, cpuSeconds, type Goal, runBenchmark } from './support.ts';

const CONTRACTS = 400;
const CPU_GOAL_US = 5;
const SUSTAINED_GOAL = 100_000;
const BURST_DRAIN_GOAL_S = 5;
const MEMORY_GOAL_MB = 250;
// Of latencies that are goals.
const GOAL_RATE = 10_000;
const MOST_DRAIN_S = 600;
const QUICK_DRAIN_S = 45;
// What was sent last is decided by then.
const SETTLE_MS = 3000;

interface Case {
  readonly name: string;
  /** `orders`: as `latency`, with orders at a simulated Schwab. */
  readonly kind: 'latency' | 'sustained' | 'burst' | 'orders';
  readonly rate: number;
  readonly seconds: number;
}

function casesOf({ options: { quick, numbers } }: Bench): readonly Case[] {
  const { rate, seconds } = numbers;
  if (rate !== undefined || seconds !== undefined) {
    const own = { rate: rate ?? SUSTAINED_GOAL, seconds: seconds ?? 20 };
    return [{ name: `${text(own.rate)}/s for ${own.seconds} s`, kind: 'sustained', ...own }];
  }
  const of = (kind: Case['kind'], perSecond: number, long: number, short = long): Case => ({
    ...{ name: `${kind} ${text(perSecond)}/s`, kind, rate: perSecond, seconds: quick ? short : long },
  });
  const goals = [
    of('latency', GOAL_RATE, 300, 8),
    of('burst', 150_000, 10, 3),
    of('sustained', SUSTAINED_GOAL, 600, 6),
  ];
  // A quick run leaves out the lesser rate, and the second tree of processes: half of its time would be their start.
  if (quick) return goals;
  const others = [of('latency', 1000, 120), of('orders', 1000, 120), of('orders', GOAL_RATE, 120)];
  return [...others, ...goals];
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
     where q.ts_event >= $1::timestamp - interval '1 second' and q.ts_event <= $2 and q.seq >= $3 and q.seq <= $4`,
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

/** Entries need checks that are green and a sound reconciliation: both take a few seconds. */
async function untilReady(owner: pg.Client): Promise<void> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const { rows } = await owner.query(
      "select from trade.order_intents i join trade.runs r using (run_id) where r.account = 'schwab' limit 1",
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('no order was written at the simulated Schwab');
}

/** On paper an exit is filled at its own time, however late it is decided; at a broker the lesser rate comes first, and learns. */
function exitGoalsOf({ kind, rate }: Case) {
  if (kind !== 'orders') return { ripe: EXIT_GOALS_MS };
  return rate === GOAL_RATE ? { all: { max: EXIT_GOALS_MS.max }, ripe: EXIT_GOALS_MS } : {};
}

async function run(bench: Bench, database: BenchDatabase): Promise<void> {
  const cases = casesOf(bench);
  const atBroker = cases.filter(({ kind }) => kind === 'orders');
  await runCases(bench, database, {
    cases: cases.filter((each) => !atBroker.includes(each)),
    isAtBroker: false,
  });
  if (atBroker.length > 0) await runCases(bench, database, { cases: atBroker, isAtBroker: true });
}

async function runCases(
  bench: Bench,
  { url, version: engine }: BenchDatabase,
  { cases, isAtBroker }: { readonly cases: readonly Case[]; readonly isAtBroker: boolean },
): Promise<void> {
  const owner = await connect({ url, role: 'owner', name: 'live_load' });
  const contracts = bench.options.numbers.contracts ?? CONTRACTS;
  const strikesEachSide = Math.max(0, Math.floor(contracts / 4));
  const tree = await startLiveTree({ url, owner, folder: bench.folder, strikesEachSide, isAtBroker });
  try {
    if (!isAtBroker) bench.add({ engine, figure: 'contracts', value: tree.contracts, unit: '' });
    if (isAtBroker) await untilReady(owner);
    for (const each of cases) {
      bench.note(`${engine}: ${each.name}, ${each.seconds} s`);
      const measured = await measure(bench, owner, tree, each);
      reportLoad(bench, engine, each, measured);
      const latencies = await latenciesOf(owner, measured);
      if (latencies === null) continue;
      const { name, kind, rate } = each;
      const isGoal = rate === GOAL_RATE && kind === 'latency';
      reportLatencies(bench, latencies, { engine, name, isGoal, exitGoals: exitGoalsOf(each) });
    }
    if (!isAtBroker) reportMemory(bench, engine, tree);
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
