// System S2 over the recorded SPXW 0DTE marks: 573 days, three slots a day, verticals inside the recorded 50 points around the money.
// Marks are no quotes: the rule refuses them unless it is told to trade on them, and every figure here rests on them.
import { join } from 'node:path';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { addMs, parseEastern } from '../core/eastern_time.ts';
import { projectPath } from '../core/root.ts';
import { connect } from '../db/pool.ts';
import { advanceThrough, backtestSteps, openRun, sessionsIn } from '../jobs/run.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { importPath } from './market_data.ts';
import { writeMarkFiles } from './spxw_mark_files.ts';
import { type Bench, type Figure, runBenchmark, seconds } from './support.ts';

const SOURCE = projectPath('../shared/data/spxw_0dte_mids_2023_2026/option_midpoints.json');
const SPOT_FEED = 'spx-spot';
const MARKS_FEED = 'marks';
// 0DTE, ten points wide, closed with the last mark of the day.
const SETTINGS = {
  dte_targets: '0',
  dte_tolerance: '0',
  spread_width: '10',
  min_credit: '0.1',
  flat_at_close: 'true',
};

async function play(client: pg.Client, isAllowed: boolean): Promise<number> {
  const from = parseEastern('2023-11-06') as NonNullable<ReturnType<typeof parseEastern>>;
  const to = parseEastern('2026-03-21') as typeof from;
  const clock = systemClock();
  const settings = { ...SETTINGS, trade_marks: String(isAllowed) };
  const run = await openRun(
    client,
    {
      ...{ mode: 'backtest', strategy: 'spx_credit_vertical', from, to },
      ...{ tickFeed: SPOT_FEED, quoteFeed: MARKS_FEED, settings },
    },
    clock,
  );
  const sessions = await sessionsIn(client, { from, to: addMs(to, 0) });
  const signal = new AbortController().signal;
  await advanceThrough(client, run, backtestSteps(run, sessions), { clock, signal, speed: null });
  return run.runId;
}

const FIGURES = `
  with trips as (
    select t.net, t.exit_reason, sum(t.net) over (order by t.ts_exit, t.position_id) as equity
    from trade.round_trips t where t.run_id = $1
  ), drawn as (
    select greatest(max(equity) over (rows unbounded preceding), 0) - equity as drawdown
    from (select equity, row_number() over () as n from trips) e
  )
  select
    (select count(*)::integer from trips) as trades,
    (select coalesce(round(sum(net), 2), 0)::float8 from trips) as net,
    (select coalesce(round(100.0 * count(*) filter (where net > 0) / nullif(count(*), 0), 1), 0)::float8 from trips) as won,
    (select coalesce(round(max(drawdown), 2), 0)::float8 from drawn) as drawdown,
    (select string_agg(exit_reason || ' ' || n || ' (' || net || ')', ', ' order by n desc)
     from (select exit_reason, count(*) as n, round(sum(net), 2) as net from trips group by 1) x) as exits,
    (select string_agg(reason || ' ' || n, ', ' order by n desc)
     from (
       select d.reason, count(*) as n from trade.decisions d join signal.signals s using (run_id, ts)
       where d.run_id = $1 and d.kind = 'entry' and d.verdict = 'SKIP' group by 1
     ) x) as skips`;

interface Row {
  readonly trades: number;
  readonly net: number;
  readonly won: number;
  readonly drawdown: number;
  readonly exits: string | null;
  readonly skips: string | null;
}

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const files = writeMarkFiles(SOURCE, join(bench.folder, engine.replaceAll(/\W+/g, '-')));
  const owner = await connect({ url, role: 'owner', name: 'spxw_marks' });
  await importPath(owner, files.marks, { feed: MARKS_FEED });
  await importPath(owner, files.bars, { symbol: 'SPX', feed: SPOT_FEED });
  const runner = await connect({ url, role: 'job_runner', name: 'spxw_marks' });
  const add = (figure: string, value: number | string, unit = ''): void =>
    bench.add({ engine, figure, value, unit } satisfies Figure);
  bench.note('imported');
  add('days of marks', files.days);
  add('marks', files.rows, 'rows');
  for (const isAllowed of [false, true]) {
    let runId = 0;
    const wall = await seconds(async () => {
      runId = await play(runner, isAllowed);
    });
    const { rows } = await runner.query<Row>(FIGURES, [runId]);
    const found = rows[0] as Row;
    bench.note(`played ${wall.toFixed(1)} s`);
    const of = isAllowed ? 'trading on marks' : 'as shipped';
    add(`${of}: backtest`, wall, 's');
    add(`${of}: trades`, found.trades);
    add(`${of}: not traded`, found.skips ?? 'none');
    if (!isAllowed) continue;
    add('on marks: won', found.won, '%');
    add('on marks: net', found.net.toFixed(2), 'USD');
    add('on marks: max drawdown', found.drawdown.toFixed(2), 'USD');
    add('on marks: exits', found.exits ?? 'none');
  }
  await runner.end();
  await owner.end();
}

await runBenchmark('spxw_marks', (bench) => onEachEngine(bench, (database) => run(bench, database)));
