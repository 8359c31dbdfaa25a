// Two runs of the same days: no difference however they were cut, and the first difference named when there is one.
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { connect } from '../../db/pool.ts';
import { compareRuns, describeDifference, recordParity } from '../../jobs/parity.ts';
import {
  advanceThrough,
  backtestSteps,
  type OpenedRun,
  openRun,
  type RunRequest,
  replaySteps,
  type SessionTimes,
  sessionsIn,
} from '../../jobs/run.ts';
import { useDatabase } from '../harness.ts';
import { addSampleMarket, at, SAMPLE_FEED, SAMPLE_QUOTES } from './sample_market.ts';

const ALL = { from: '-infinity', to: 'infinity' };
const db = useDatabase();
let client: pg.Client;

beforeAll(async () => {
  await addSampleMarket(db.pool());
  client = await connect({ url: db.url(), role: 'job_runner', name: 'test' });
});
afterAll(() => client.end());

type Steps = (run: OpenedRun, sessions: readonly SessionTimes[]) => EasternUs[];

async function runSample(changes: Partial<RunRequest> = {}, steps: Steps = backtestSteps): Promise<number> {
  const clock = systemClock();
  const request: RunRequest = {
    mode: 'backtest',
    strategy: 'vwap_ma9',
    from: at('2025-10-06'),
    to: at('2025-10-08'),
    tickFeed: SAMPLE_FEED,
    quoteFeed: SAMPLE_QUOTES,
    settings: {},
    ...changes,
  };
  const run = await openRun(client, request, clock);
  const signal = new AbortController().signal;
  await advanceThrough(client, run, steps(run, await sessionsIn(client, run)), {
    clock,
    signal,
    speed: null,
  });
  return run.runId;
}

it('finds a backtest and a replay of the same days equal, every table with rows', async () => {
  const to = at('2025-10-07');
  const runA = await runSample({ to });
  const runB = await runSample({ mode: 'replay', to }, replaySteps);
  const report = await compareRuns(client, { runA, runB }, ALL);
  expect(report.first).toBeNull();
  expect(report.differences).toBe(0);
  for (const table of report.tables) expect(table.rowsA, table.table).toBeGreaterThan(0);
});

it('names the first difference with its field and both values, and stores the report', async () => {
  const runA = await runSample();
  const runB = await runSample({ settings: { front_buffer_min: 60 } });
  const report = await compareRuns(client, { runA, runB }, ALL);
  expect(report.tables.map(({ table, differences }) => [table, differences > 0])).toEqual([
    ['periods', false],
    ['signals', false],
    ['decisions', true],
    ['intents', true],
    ['fills', true],
  ]);
  expect(report.first).toEqual({
    table: 'decisions',
    key: 'kind entry, ts 2025-10-06 09:31:00, entry_ts 2025-10-06 09:31:00',
    field: 'window_from_min',
    a: '30',
    b: '60',
  });
  await recordParity(client, report, '2026-01-01 12:00:00');
  const { rows } = await client.query('select differences, first_difference from ops.parity_reports');
  expect(rows).toEqual([
    {
      differences: report.differences,
      first_difference:
        'decisions at kind entry, ts 2025-10-06 09:31:00, entry_ts 2025-10-06 09:31:00: window_from_min is 30 in A and 60 in B',
    },
  ]);
});

it('says on which side a row stands alone', async () => {
  const runA = await runSample();
  const runB = await runSample({ from: at('2025-10-07') });
  const report = await compareRuns(client, { runA, runB }, ALL);
  expect(report.first && describeDifference(report.first)).toMatch(
    /^periods at .*: the row stands in A only$/,
  );
});

it('finds a session equal whenever the run began', async () => {
  const runA = await runSample();
  const runB = await runSample({ from: at('2025-10-07') });
  const report = await compareRuns(client, { runA, runB }, { from: '2025-10-07', to: '2025-10-08' });
  expect(report.differences).toBe(0);
  expect(report.compared).toBeGreaterThan(800);
});

it('ends a run as stopped at its last whole slice when it is interrupted', async () => {
  const clock = systemClock();
  const controller = new AbortController();
  const range = { from: at('2025-10-06'), to: at('2025-10-08') };
  const feeds = { tickFeed: SAMPLE_FEED, quoteFeed: SAMPLE_QUOTES };
  const run = await openRun(
    client,
    { mode: 'replay', strategy: 'vwap_ma9', ...range, ...feeds, settings: {} },
    clock,
  );
  const steps = replaySteps(run, await sessionsIn(client, run));
  const outcome = await advanceThrough(client, run, steps, {
    clock,
    signal: controller.signal,
    speed: null,
    onStep: (_at, done) => {
      if (done === 45) controller.abort();
    },
  });
  expect(outcome).toBe('stopped');
  const { rows } = await client.query('select outcome, ts_advanced from panel.runs where run_id = $1', [
    run.runId,
  ]);
  expect(rows).toEqual([{ outcome: 'stopped', ts_advanced: '2025-10-06 10:15:00' }]);
});
