// Backtest of the shipped strategy over 125 sessions with modelled quotes, a session at a time, as `strikebase backtest` runs it.
import type pg from 'pg';
import { connect } from '../db/pool.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { BARS_FEED, importPath, marketFiles, modelQuotes, SYMBOL } from './market_data.ts';
import { backtest } from './runs.ts';
import { atMost, type Bench, cpuSeconds, type Figure, runBenchmark, seconds } from './support.ts';

const ROUNDS = 5;
const GOAL_S = 5;
const ALL_SESSIONS = 125;
const TABLES = [
  ...['signal.periods', 'signal.signals', 'trade.decisions', 'trade.order_intents'],
  ...['trade.order_events', 'trade.fills', 'trade.slices'],
];

async function countRows(client: pg.Client, runId: number): Promise<{ rows: number; trades: number }> {
  const counts = TABLES.map((table) => `(select count(*) from ${table} where run_id = $1)`);
  const trades = '(select count(*) from panel.round_trips where run_id = $1)';
  const { rows } = await client.query<{ rows: number; trades: number }>(
    `select ${counts.join(' + ')} as rows, ${trades} as trades`,
    [runId],
  );
  return rows[0] ?? { rows: 0, trades: 0 };
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const owner = await connect({ url, role: 'owner', name: 'backtest' });
  const { bars, vix, source, sessions } = await marketFiles(bench, owner);
  await importPath(owner, bars, { symbol: SYMBOL, feed: BARS_FEED });
  await importPath(owner, vix);
  let quotes = 0;
  const modelling = await seconds(async () => {
    quotes = (await modelQuotes(owner)).quotes;
  });
  const runner = await connect({ url, role: 'job_runner', name: 'backtest' });
  const helper = await connect({ url, role: 'job_runner', name: 'backtest' });
  const pids = [await pidOf(runner), await pidOf(helper)];
  const backends = (): number =>
    pids.reduce((sum, pid) => sum + (cpuSeconds(pid, 'postgres') ?? Number.NaN), 0);
  const walls: number[] = [];
  const cpus: number[] = [];
  let runId = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = backends();
    walls.push(
      await seconds(async () => {
        runId = await backtest(runner, sessions, [helper]);
      }),
    );
    cpus.push(backends() - before);
  }
  const written = await countRows(owner, runId);
  await Promise.all([runner.end(), helper.end(), owner.end()]);
  const best = Math.min(...walls);
  // Of fewer sessions, the share of them.
  const goal = (GOAL_S * sessions.length) / ALL_SESSIONS;
  const cpu = Math.min(...cpus);
  bench.add(
    { engine, figure: `sessions, ${source} bars, modelled quotes`, value: sessions.length, unit: '' },
    { engine, figure: 'modelling the quotes, once', value: modelling, unit: 's' },
    { engine, figure: 'modelled quotes', value: quotes, unit: 'rows' },
    { engine, figure: 'backtest, first run', value: walls[0] ?? 0, unit: 's' },
    { engine, figure: `backtest, best of ${ROUNDS}`, value: best, unit: 's', goal: atMost(best, goal, 's') },
    cpuFigure(engine, cpu, goal),
    { engine, figure: 'rows written by a run', value: written.rows, unit: 'rows' },
    { engine, figure: 'round trips', value: written.trades, unit: '' },
  );
}

function cpuFigure(engine: string, cpu: number, goal: number): Figure {
  const figure = `CPU of both backends, least of ${ROUNDS}`;
  if (Number.isNaN(cpu)) return { engine, figure, value: 'unknown', unit: 's' };
  return { engine, figure, value: cpu, unit: 's', goal: atMost(cpu, goal, 's') };
}

await runBenchmark('backtest', (bench) => onEachEngine(bench, (database) => run(bench, database)));
