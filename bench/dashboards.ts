// Every query of every dashboard as grafana_reader, with a backtest of all sessions stored: what a page load waits for.
import type pg from 'pg';
import { connect } from '../db/pool.ts';
import { ask, askDashboard } from '../grafana/asker.ts';
import { dashboards } from '../grafana/files.ts';
import type { QueryRange } from '../grafana/macros.ts';
import type { Dashboard } from '../grafana/model.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { BARS_FEED, importPath, marketFiles, modelQuotes, QUOTES_FEED, SYMBOL } from './market_data.ts';
import { backtest } from './runs.ts';
import { atMost, type Bench, type Figure, quantile, runBenchmark } from './support.ts';

// The slowest, by name.
const SHOWN = 12;
const GOAL_MS = 50;
const ROUNDS = 20;
const QUICK_ROUNDS = 3;
const DAY_MS = 86_400_000;
const PIXELS = 1000;
// Pages that look at more than one session, and how far.
const DAYS: Readonly<Record<string, number>> = { 'strikebase-pl': 365, 'strikebase-trades': 30 };

interface Timed {
  readonly what: string;
  readonly rows: number;
  readonly times: readonly number[];
}

function rangeOf(page: Dashboard, last: Date): QueryRange {
  const days = DAYS[page.uid] ?? 1;
  const from = new Date(last.getTime() - days * DAY_MS);
  return { from, to: last, intervalMs: Math.max((days * DAY_MS) / PIXELS, 1000) };
}

async function timed(
  reader: pg.Client,
  page: Dashboard,
  range: QueryRange,
  rounds: number,
): Promise<Timed[]> {
  const { answers, variables } = await askDashboard(reader, page, { range, which: 'first' });
  const found: Timed[] = [];
  for (const { query, rows } of answers) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now();
      await ask(reader, query, variables, range);
      times.push(performance.now() - began);
    }
    const what = `${query.page}: ${query.kind} ${query.name} ${query.refId}`;
    found.push({ what, rows: rows.length, times });
  }
  return found;
}

function figuresOf(engine: string, queries: readonly Timed[]): Figure[] {
  const p95 = (query: Timed): number => quantile(query.times, 0.95);
  const slowest = [...queries].sort((a, b) => p95(b) - p95(a));
  const within = queries.filter((query) => p95(query) <= GOAL_MS).length;
  return [
    {
      engine,
      figure: `queries of all pages with p95 <= ${GOAL_MS} ms`,
      value: within,
      unit: `of ${queries.length}`,
    },
    ...slowest.slice(0, SHOWN).map((query) => ({
      engine,
      figure: `${query.what}, ${query.rows} rows, p95`,
      value: p95(query),
      unit: 'ms',
      goal: atMost(p95(query), GOAL_MS, 'ms'),
    })),
  ];
}

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const owner = await connect({ url, role: 'owner', name: 'dashboards' });
  const { bars, vix, sessions } = await marketFiles(bench, owner);
  await importPath(owner, bars, { symbol: SYMBOL, feed: BARS_FEED });
  await importPath(owner, vix);
  await modelQuotes(owner);
  bench.note(`${sessions.length} sessions with quotes of ${QUOTES_FEED}`);
  const runner = await connect({ url, role: 'job_runner', name: 'dashboards' });
  await backtest(runner, sessions);
  await runner.end();
  // As autovacuum does within a minute.
  await owner.query('analyze');
  await owner.end();
  const reader = await connect({ url, role: 'grafana_reader', name: 'dashboards' });
  const close = sessions.at(-1)?.ts_option_close;
  const last = new Date(close === undefined ? Date.now() : close / 1000 + DAY_MS / 4);
  const rounds = bench.options.quick ? QUICK_ROUNDS : ROUNDS;
  const queries: Timed[] = [];
  for (const page of dashboards()) queries.push(...(await timed(reader, page, rangeOf(page, last), rounds)));
  await reader.end();
  bench.add(...figuresOf(engine, queries));
}

await runBenchmark('dashboards', (bench) => onEachEngine(bench, (database) => run(bench, database)));
