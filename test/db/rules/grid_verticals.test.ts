// Spreads in a grid: runs at once that meet the same new spreads, the trades of full runs, and their features as columns.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { connect } from '../../../db/pool.ts';
import { findCells, runGrid } from '../../../jobs/grid.ts';
import { compareRuns } from '../../../jobs/parity.ts';
import { runCli } from '../../cli/capture.ts';
import { useBench } from '../support/connections.ts';
import { eastern, type Market } from '../support/market.ts';
import { openRun } from '../support/runs.ts';
import { createChainMarket } from '../support/vertical_market.ts';

const bench = useBench();
const DAYS = [
  { date: '2026-06-15', from: 6000, to: 5980 },
  { date: '2026-06-16', from: 5980, to: 5740 },
  { date: '2026-06-17', from: 5840, to: 5845 },
];
const RANGE = { from: eastern('2026-06-15'), to: eastern('2026-06-18') };
const STRATEGY = 'spx_credit_vertical';
const SETTINGS = { dte_targets: '3,5' };
const ALL = { from: '-infinity', to: 'infinity' };
let market: Market;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-grid-'));
  market = await createChainMarket(bench.owner(), {
    days: DAYS,
    expirations: ['2026-06-18', '2026-06-22'],
    everyMin: 15,
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function fullRun(settings: Readonly<Record<string, unknown>>): Promise<number> {
  const run = await openRun(bench.runner(), market, { strategy: STRATEGY, ...RANGE, settings });
  await run.advance(RANGE.to, systemClock().now());
  await bench.runner().query("select trade.close_run($1, 'completed', '2026-06-18')", [run.id]);
  return run.id;
}

it('runs that meet the same new spreads at once all come to their end, with the trades of full ones', async () => {
  const url = bench.database.url();
  const clients = await Promise.all([1, 2, 3].map(() => connect({ url, role: 'job_runner', name: 'test' })));
  try {
    const { tickFeed, quoteFeed } = market;
    const settings = [1, 2, 3].map((contracts) => ({ ...SETTINGS, contracts }));
    const requests = settings.map((each) => ({
      strategy: STRATEGY,
      ...RANGE,
      tickFeed,
      quoteFeed,
      settings: each,
    }));
    const cells = await findCells(bench.runner(), requests);
    const { runIds } = await runGrid(clients, cells, {
      clock: systemClock(),
      signal: new AbortController().signal,
    });
    for (const [index, runA] of runIds.entries()) {
      const runB = await fullRun(settings[index] as (typeof settings)[0]);
      const report = await compareRuns(bench.runner(), { runA: runA as number, runB }, ALL);
      expect(report).toMatchObject({ differences: 0, first: null });
      for (const { table, rowsA } of report.tables) expect(rowsA, table).toBeGreaterThan(1);
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
});

it('the training table has every key of the features as a column, those of objects too', async () => {
  const runId = await fullRun({ ...SETTINGS, min_credit: 2.9 });
  const path = join(folder, 'training.csv');
  const argv = ['export', 'training', '--run', String(runId), '--out', path, '--db', bench.database.url()];
  expect(await runCli(...argv)).toMatchObject({ code: 0 });
  const [head = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const names = head.split(',');
  const { rows: keys } = await bench.owner().query<{ name: string }>(
    `select distinct 'f_' || case k.key when 'rejected' then 'rejected_' || r.key else k.key end as name
     from signal.signals s
     cross join lateral jsonb_each(s.features) k
     left join lateral jsonb_object_keys(s.features -> 'rejected') r (key) on k.key = 'rejected'
     where s.run_id = $1 order by 1`,
    [runId],
  );
  const features = names.filter((name) => name.startsWith('f_'));
  expect([...features].sort()).toEqual(keys.map(({ name }) => name).sort());
  expect(features).toEqual(
    expect.arrayContaining(['f_short_delta', 'f_rejected_small_credit', 'f_expiration']),
  );
  const rows = lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i], cell])));
  const { rows: stored } = await bench.owner().query<{ line: string }>(
    `select to_char(s.ts, 'MM-DD HH24:MI') || ' ' || d.verdict || ' ' || d.reason || ' ' || coalesce(s.features ->> 'credit', '')::float8 as line
     from signal.signals s join trade.decisions d on d.run_id = s.run_id and d.ts = s.ts and d.kind = 'entry'
     where s.run_id = $1 order by s.ts`,
    [runId],
  );
  expect(
    rows.map((row) => `${row.ts?.slice(5, 16)} ${row.verdict} ${row.reason} ${Number(row.f_credit)}`),
  ).toEqual(stored.map(({ line }) => line));
  const traded = rows.filter(({ outcome }) => outcome === 'closed');
  expect(traded.length).toBeGreaterThan(0);
  for (const { gross, max_adverse, max_favourable, contract } of traded) {
    expect(contract).toMatch(/^SPXW 2606/);
    expect(Number(gross)).toBeGreaterThanOrEqual(-Number(max_adverse));
    expect(Number(gross)).toBeLessThanOrEqual(Number(max_favourable));
  }
});
