// One scan of a rule over a year of minute bars, CPU seconds: ours as `strikebase signals` runs it, beside other engines.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { formatEastern } from '../core/eastern_time.ts';
import { projectPath } from '../core/root.ts';
import { connect } from '../db/pool.ts';
import { sessionsIn } from '../jobs/run.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { BARS_FEED, importPath, SYMBOL } from './market_data.ts';
import { chdb, duckdb, grademark, type Peer, plainLoop } from './scan_peers.ts';
import { atMost, type Bench, cpuSeconds, ownCpuSeconds, quantile, runBenchmark, seconds } from './support.ts';
import { type MinuteBar, writeBars, YEAR, yearBars, yearRange } from './year_data.ts';

const ROUNDS = 7;
const QUICK_ROUNDS = 1;
const GOAL_S = 0.3;
const STRATEGY = 'vwap_ma9';

const RULE_SQL = `
  select s.* from signal.vwap_ma9(
    $1, $2,
    (
      select row(null, i.instrument_id, f.feed_id, 'infinity', 60000, 9, null, null)::signal.context
      from ref.instruments i cross join ref.feeds f where i.symbol = '${SYMBOL}' and f.name = '${BARS_FEED}'
    )
  ) s`;

interface Scan {
  readonly crossings: number;
  readonly cpu: number;
}

/** The scan with the least CPU seconds, and the median of all; throws where two of them differ. */
async function measured(
  rounds: number,
  scan: () => Promise<Scan> | Scan,
): Promise<Scan & { readonly median: number }> {
  const scans: Scan[] = [];
  // The first one warms up.
  for (let round = 0; round <= rounds; round += 1) scans.push(await scan());
  const cpus = scans.slice(1).map(({ cpu }) => cpu);
  const [first] = scans;
  if (scans.some(({ crossings }) => crossings !== first?.crossings)) throw new Error('the rounds differ');
  return { crossings: first?.crossings ?? 0, cpu: Math.min(...cpus), median: quantile(cpus, 0.5) };
}

async function queried(client: pg.Client, pid: number, text: string): Promise<Scan> {
  const range = yearRange();
  const before = cpuSeconds(pid, 'postgres') ?? Number.NaN;
  const values = [formatEastern(range.from), formatEastern(range.to)];
  const { rows } = await client.query({ text, values });
  return { crossings: rows.length, cpu: (cpuSeconds(pid, 'postgres') ?? Number.NaN) - before };
}

// What the database itself needs: the same sums and crossings as one window query, on rows that happen to be one a period.
const WINDOW_SQL = `
  select c.ts, c.side, div(2 * c.notional + c.volume, 2 * c.volume) as session_vwap_e6
  from (
    select b.*, lag(b.side) over (partition by b.day order by b.ts) as previous
    from (
      select t.ts_event as ts, t.ts_event::date as day,
        sign(t.vwap_e6 * 9 - sum(t.close_e4) over nine * 100) as side, count(*) over nine as closes,
        sum(t.vwap_e6 * t.volume_e6::numeric) over session as notional, sum(t.volume_e6) over session as volume
      from market.equity_ticks t
      join ref.instruments i using (instrument_id)
      join ref.feeds f using (feed_id)
      where i.symbol = '${SYMBOL}' and f.name = '${BARS_FEED}' and t.ts_event >= $1 and t.ts_event < $2
      window session as (partition by t.ts_event::date order by t.ts_event),
        nine as (partition by t.ts_event::date order by t.ts_event rows between 8 preceding and current row)
    ) b
    where b.closes = 9 and b.side <> 0
  ) c
  where c.side <> c.previous`;

/** The command as a process of its own; its backend's CPU is that of the server's ended children. */
function command(url: string, serverPid: number): Scan {
  const before = endedChildrenSeconds(serverPid);
  const range = ['--from', YEAR.from, '--to', YEAR.to];
  const args = ['signals', '--strategy', STRATEGY, ...range, '--format', 'csv', '--db', url];
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [projectPath('bin', 'strikebase.js'), ...args],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    },
  );
  if (status !== 0) throw new Error(`strikebase signals failed: ${stderr}`);
  const cpu = endedChildrenSeconds(serverPid) - before;
  return { crossings: stdout.trimEnd().split('\n').length - 1, cpu };
}

function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function endedChildrenSeconds(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

async function run(
  bench: Bench,
  { url, version: engine }: BenchDatabase,
  path: string,
  expected: number,
): Promise<void> {
  const rounds = bench.options.quick ? QUICK_ROUNDS : ROUNDS;
  const owner = await connect({ url, role: 'owner', name: 'signal_scan' });
  await importPath(owner, path, { symbol: SYMBOL, feed: BARS_FEED });
  await owner.query('analyze');
  await owner.end();
  const client = await connect({ url, role: 'job_runner', name: 'signal_scan' });
  const pid = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;
  // Of a server elsewhere nothing is known.
  const isHere = cpuSeconds(pid, 'postgres') !== null;
  const alone = await measured(rounds, () => queried(client, pid, RULE_SQL));
  const window = await measured(rounds, () => queried(client, pid, WINDOW_SQL));
  const unit = 's CPU';
  if (isHere) {
    const whole = await measured(rounds, () => command(url, parentOf(pid)));
    check(engine, whole.crossings, expected);
    const goal = atMost(whole.cpu, GOAL_S, unit);
    bench.add(
      { engine, figure: `strikebase signals, backend, best of ${rounds}`, value: whole.cpu, unit, goal },
      { engine, figure: 'strikebase signals, backend, median', value: whole.median, unit },
    );
  }
  check(engine, alone.crossings, expected);
  check(`the window query on ${engine}`, window.crossings, expected);
  bench.add(
    {
      engine,
      figure: `signal.vwap_ma9 alone, best of ${rounds}`,
      value: isHere ? alone.cpu : 'unknown',
      unit,
    },
    {
      engine,
      figure: `one window query, best of ${rounds}`,
      value: isHere ? window.cpu : 'unknown',
      unit,
    },
    { engine, figure: 'crossings', value: alone.crossings, unit: '' },
  );
  await client.end();
}

function check(name: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${name} counts ${found} crossings, the plain loop ${expected}`);
}

async function scanPeer(bench: Bench, peer: Peer, expected: number | null): Promise<number> {
  const rounds = bench.options.quick ? QUICK_ROUNDS : ROUNDS;
  const { crossings, cpu, median } = await measured(rounds, async () => {
    const before = ownCpuSeconds();
    const found = await peer.scan();
    return { crossings: found, cpu: ownCpuSeconds() - before };
  });
  peer.close();
  if (expected !== null) check(peer.name, crossings, expected);
  const engine = `Node ${process.version}`;
  bench.add(
    { engine, figure: `${peer.name}, best of ${rounds}`, value: cpu, unit: 's CPU' },
    { engine, figure: `${peer.name}, median`, value: median, unit: 's CPU' },
    { engine, figure: `${peer.name}, crossings`, value: crossings, unit: '' },
  );
  return crossings;
}

async function comparePeers(bench: Bench, bars: readonly MinuteBar[], expected: number): Promise<void> {
  await scanPeer(bench, await duckdb(bars, bench.folder), expected);
  const optional = {
    'chdb@3.4.0': await chdb(bars, bench.folder),
    'grademark@0.3.0 chai@4': grademark(bars),
  };
  for (const [name, peer] of Object.entries(optional)) {
    if (peer === null) bench.note(`${name.split('@')[0]} is not installed: npm i --no-save ${name}`);
    else await scanPeer(bench, peer, expected);
  }
}

async function prepare(
  bench: Bench,
  { url }: BenchDatabase,
  path: string,
): Promise<{ bars: readonly MinuteBar[]; crossings: number }> {
  const client = await connect({ url, role: 'owner', name: 'signal_scan' });
  const bars = yearBars(await sessionsIn(client, yearRange()));
  await client.end();
  const writing = await seconds(() => writeBars(path, bars));
  bench.note(`${bars.length} bars of ${YEAR.from.slice(0, 4)} written in ${writing.toFixed(1)} s`);
  return { bars, crossings: await scanPeer(bench, plainLoop(bars), null) };
}

await runBenchmark('signal_scan', async (bench) => {
  let data: Awaited<ReturnType<typeof prepare>> | null = null;
  const path = join(bench.folder, 'year.csv');
  await onEachEngine(bench, async (database) => {
    const isFirst = data === null;
    data ??= await prepare(bench, database, path);
    await run(bench, database, path, data.crossings);
    bench.add({
      engine: database.version,
      figure: 'bars of the year',
      value: data.bars.length,
      unit: 'rows',
    });
    if (isFirst) await comparePeers(bench, data.bars, data.crossings);
  });
});
