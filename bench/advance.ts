// One slice through trade.advance: minutes of a replay with little and with much history stored, and seconds of a live run.
import { join } from 'node:path';
import { addMs, formatEastern } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { lockAccount } from '../jobs/advance.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { BARS_FEED, cutBars, importPath, marketFiles, modelQuotes, SYMBOL } from './market_data.ts';
import { replayLatencies, STRATEGY, type Step, sliceLatencies } from './runs.ts';
import { writeSeconds } from './second_data.ts';
import { type Bench, type Figure, quantile, runBenchmark } from './support.ts';

const REPLAYED_SESSIONS = 3;
const LIVE_SECONDS = 3600;
const QUICK_LIVE_SECONDS = 300;
// Like live, a slice ends a second before the clock: by then late ticks are in.
const LAG_MS = 1050;

async function live(url: string, count: number): Promise<number[]> {
  const data = await writeSeconds(url, count);
  const client = await connect({ url, role: 'job_runner', name: 'advance' });
  try {
    const account = 'bench';
    await lockAccount(client, account);
    const { rows } = await client.query<{ run_id: number }>(
      "select trade.open_run('live', $1, $2, $3, $4, $5, $6, 'paper', 'bench', $3) as run_id",
      [
        STRATEGY,
        formatEastern(data.from),
        formatEastern(addMs(data.sliceFrom, 86_400_000)),
        data.feeds.ticks.name,
        data.feeds.quotes.name,
        { account },
      ],
    );
    const runId = rows[0]?.run_id ?? 0;
    const at = (n: number): Step => {
      const to = addMs(data.sliceFrom, n * 1000);
      return { to, asOf: addMs(to, LAG_MS) };
    };
    await sliceLatencies(client, runId, [at(0)]);
    return await sliceLatencies(
      client,
      runId,
      Array.from({ length: count }, (_, n) => at(n + 1)),
    );
  } finally {
    await client.end();
  }
}

function figures(engine: string, what: string, times: readonly number[]): Figure[] {
  const shown = [
    ['p50', quantile(times, 0.5)],
    ['p99', quantile(times, 0.99)],
    ['max', Math.max(...times)],
  ] as const;
  return shown.map(([name, value]) => ({
    engine,
    figure: `${what}, ${times.length} slices, ${name}`,
    value,
    unit: 'ms',
  }));
}

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const owner = await connect({ url, role: 'owner', name: 'advance' });
  const { bars, vix, sessions } = await marketFiles(bench, owner);
  const last = sessions.slice(bench.options.quick ? -1 : -REPLAYED_SESSIONS);
  const fewBars = join(bench.folder, 'last_sessions.csv');
  await cutBars(bars, last, fewBars);
  await importPath(owner, vix);
  const stored = async (path: string): Promise<number[]> => {
    await importPath(owner, path, { symbol: SYMBOL, feed: BARS_FEED });
    await modelQuotes(owner);
    return replayLatencies(url, last);
  };
  bench.add(...figures(engine, `minutes, ${last.length} sessions stored`, await stored(fewBars)));
  // What history costs, growth shows in a quick run too.
  if (!bench.options.quick)
    bench.add(...figures(engine, `minutes, ${sessions.length} sessions stored`, await stored(bars)));
  const count = bench.options.quick ? QUICK_LIVE_SECONDS : LIVE_SECONDS;
  bench.add(...figures(engine, 'live seconds', await live(url, count)));
  await owner.end();
}

await runBenchmark('advance', (bench) => onEachEngine(bench, (database) => run(bench, database)));
