// What panels and analysts ask most: the last quotes of a whole chain while quotes are being written, and the P/L of a year.
import { type ChildProcess, fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { connect } from '../db/pool.ts';
import { simulatedFeeds } from '../ingest/stream_feed.ts';
import { sessionsIn } from '../jobs/run.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { BARS_FEED, flatVix, importPath, modelQuotes, SYMBOL } from './market_data.ts';
import type { QuoteNews, QuoteOrder } from './quote_writer.ts';
import { backtest } from './runs.ts';
import { atMost, type Bench, type Figure, type Goal, quantile, runBenchmark } from './support.ts';
import { writeBars, YEAR, yearBars, yearRange } from './year_data.ts';

const CONTRACTS = 400;
const RATE = 10_000;
const DATE = '2026-03-20';
const FEED = 'bench-queries';
const QUERY_SECONDS = 20;
const QUICK_QUERY_SECONDS = 3;
const GAP_MS = 20;
const LAST_QUOTES_GOAL_MS = 10;
const YEAR_GOAL_MS = 20;
const YEAR_ROUNDS = 100;
const QUICK_SESSIONS = 6;

const LAST_QUOTES_SQL = 'select * from panel.last_quotes($1, $2, $3, $4, $5)';
const YEAR_SQL = 'select * from panel.daily_pl where run_id = $1 order by session_date';

interface Writing {
  readonly child: ChildProcess;
  last(): QuoteNews;
  stop(): Promise<void>;
}

/** A process that writes quotes at `rate` a second; resolves when the first are stored. */
async function startWriting(url: string, rate: number): Promise<Writing> {
  const child = fork(fileURLToPath(new URL('./quote_writer.js', import.meta.url)));
  let last: QuoteNews | null = null;
  const first = new Promise<void>((resolve, reject) => {
    child.on('message', (news: QuoteNews) => {
      last = news;
      resolve();
    });
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)));
  });
  const order: QuoteOrder = {
    ...{ url, feed: FEED, contracts: CONTRACTS, expiration: DATE, from: `${DATE} 10:00:00`, perSecond: rate },
  };
  child.send(order);
  await first;
  return {
    child,
    last: () => last as unknown as QuoteNews,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}

async function timed(client: pg.Client, query: pg.QueryConfig): Promise<{ ms: number; rows: number }> {
  const began = performance.now();
  const { rows } = await client.query(query);
  return { ms: performance.now() - began, rows: rows.length };
}

async function lastQuotes(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const reader = await connect({ url, role: 'grafana_reader', name: 'queries' });
  const rate = bench.options.numbers.rate ?? RATE;
  const writing = await startWriting(url, rate);
  const times: number[] = [];
  let rows = 0;
  try {
    const seconds = bench.options.quick ? QUICK_QUERY_SECONDS : QUERY_SECONDS;
    // A second's quotes first, so that every contract has one.
    await sleep(1500);
    const values = [SYMBOL, simulatedFeeds(FEED).quotes.name, DATE, `${DATE} 09:30`, `${DATE} 16:15`];
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until) {
      const found = await timed(reader, { name: 'last_quotes', text: LAST_QUOTES_SQL, values });
      times.push(found.ms);
      rows = found.rows;
      await sleep(GAP_MS);
    }
  } finally {
    await writing.stop();
    await reader.end();
  }
  const { written, lateMs } = writing.last();
  const name = `last quotes of ${CONTRACTS} contracts at ${rate.toLocaleString('en-US')} quotes/s`;
  bench.add(
    ...quantiles(engine, name, times, LAST_QUOTES_GOAL_MS),
    { engine, figure: 'contracts found', value: rows, unit: '' },
    { engine, figure: 'quotes written beside', value: written, unit: 'rows' },
    { engine, figure: 'behind their pace at the end', value: lateMs, unit: 'ms' },
  );
}

function quantiles(engine: string, name: string, times: readonly number[], limit: number): Figure[] {
  const figure = (share: number, goal?: Goal): Figure => ({
    ...{ engine, figure: `${name}, p${share * 100}` },
    ...{ value: quantile(times, share), unit: 'ms', goal },
  });
  return [figure(0.5), figure(0.95, atMost(quantile(times, 0.95), limit, 'ms'))];
}

async function yearOfRuns(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const owner = await connect({ url, role: 'owner', name: 'queries' });
  const all = await sessionsIn(owner, yearRange());
  const sessions = bench.options.quick ? all.slice(0, QUICK_SESSIONS) : all;
  const [bars, vix] = [join(bench.folder, 'year.csv'), join(bench.folder, 'VIX_History.csv')];
  await writeBars(bars, yearBars(sessions));
  await writeFile(vix, flatVix(sessions));
  await importPath(owner, bars, { symbol: SYMBOL, feed: BARS_FEED });
  await importPath(owner, vix);
  await modelQuotes(owner, YEAR);
  const runner = await connect({ url, role: 'job_runner', name: 'queries' });
  const runId = await backtest(runner, sessions);
  await runner.end();
  await owner.query('vacuum analyze');
  const { rows } = await owner.query<{ count: number }>(
    'select count(*)::integer as count from panel.round_trips where run_id = $1',
    [runId],
  );
  await owner.end();
  const reader = await connect({ url, role: 'grafana_reader', name: 'queries' });
  const times: number[] = [];
  let days = 0;
  for (let round = 0; round < YEAR_ROUNDS; round += 1) {
    const found = await timed(reader, { name: 'year', text: YEAR_SQL, values: [runId] });
    times.push(found.ms);
    days = found.rows;
  }
  await reader.end();
  bench.add(
    ...quantiles(engine, 'P/L of a year of a run', times, YEAR_GOAL_MS),
    { engine, figure: 'sessions of the year', value: days, unit: '' },
    { engine, figure: 'round trips of the year', value: rows[0]?.count ?? 0, unit: '' },
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const work = (bench: Bench) =>
  onEachEngine(bench, async (database) => {
    await lastQuotes(bench, database);
    await yearOfRuns(bench, database);
  });
await runBenchmark('queries', work, ['rate']);
