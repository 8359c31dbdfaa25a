// Late, duplicated and out-of-order rows: what was decided stays, corrections are revisions, and a revision never signals.
import { beforeEach, describe, expect, test } from 'vitest';
import type { EquityTick } from '../../../core/domain.ts';
import { addMs, formatEastern } from '../../../core/eastern_time.ts';
import { useBench } from '../support/connections.ts';
import { addQuotes, addTicks, eastern, tick } from '../support/market.ts';
import { differences, dumpOf, NO_DIFFERENCES, periodsOf, signalsOf, type TestRun } from '../support/runs.ts';
import {
  createScenario,
  minutesBetween,
  type QuoteSpec,
  type Scenario,
  type ScenarioRun,
} from '../support/scenario.ts';

const bench = useBench();
const QUOTES: QuoteSpec[] = [
  ['P600', '10:05', 1.0, 1.02],
  ['P600', '10:10', 1.1, 1.12],
  ['C600', '10:10', 0.9, 0.92],
  ['C600', '10:15', 0.5, 0.52],
];
let scenario: Scenario;
let run: ScenarioRun;

/** A second row of the minute that ends at `time`, large enough to turn its side; received at `recv`. */
function lateTick(time: string, recv: string, side: -1 | 1 = -1): EquityTick {
  const ts_event = addMs(scenario.at(time), -60_000);
  const vwap_e6 = 600_000_000 + side * 400_000;
  return tick({
    ts_event,
    seq: 1,
    close_e4: 6_000_000,
    vwap_e6,
    volume_e6: 9_000_000_000,
    ts_recv: scenario.at(recv),
  });
}

/** Takes the run on minute by minute, each slice as of a second after its end. */
async function minuteByMinute(from: string, to: string): Promise<void> {
  for (const time of minutesBetween(from, to)) await run.to(time, `${time}.999`);
}

/** `HH:MM r` of every period that has revisions, in order. */
async function revisions(): Promise<string[]> {
  const rows = await periodsOf(run);
  return rows.filter((row) => row.revision > 0).map((row) => `${row.ts.slice(11, 16)} r${row.revision}`);
}

beforeEach(async () => {
  scenario = await createScenario(bench.owner(), {
    sides: { '10:03': null, '10:05': 1, '10:10': -1, '10:15': 1 },
    quotes: QUOTES,
  });
  run = await scenario.open(bench.runner());
  await run.to('10:02', '10:02:00.999');
  await minuteByMinute('10:03', '10:07');
});

/** What was decided, done and first seen; revisions left out. */
async function firstRows(): Promise<string[]> {
  return (await dumpOf(run)).filter((line) => !/^period .*"revision": [1-9]/.test(line));
}

describe('a late row', () => {
  test('leaves every decision as it was, and revises its period and each later one', async () => {
    const before = await firstRows();
    await addTicks(scenario.market, [lateTick('10:05', '10:07:30')]);
    expect(await run.to('10:08', '10:08:00.999')).toMatchObject({ revisions: 3, periods: 1 });
    expect(await revisions()).toEqual(['10:05 r1', '10:06 r1', '10:07 r1']);
    const after = await firstRows();
    expect(differences(before, after).onlyFirst).toEqual([]);
    expect(after.filter((line) => /^decision/.test(line)).length).toBe(
      before.filter((line) => /^decision/.test(line)).length + 1,
    );
  });

  test('is told by the revision: the side of 10:05 would have been another', async () => {
    await addTicks(scenario.market, [lateTick('10:05', '10:07:30')]);
    await run.to('10:08', '10:08:00.999');
    const at = (await periodsOf(run)).filter((row) => row.ts.endsWith('10:05:00'));
    expect(at.map((row) => [row.revision, row.vwap_e6, row.tick_count])).toEqual([
      [0, 600_100_000, 1],
      [1, 599_650_000, 2],
    ]);
    // What the run saw then is what signals and decisions keep resting on, and later signals are compared with.
    expect(await signalsOf(run)).toEqual(['10:05:00 up']);
    expect(await run.entry('10:05')).toMatchObject({ verdict: 'TRADE', reason: 'cross_up' });
    await minuteByMinute('10:09', '10:20');
    expect(await signalsOf(run)).toEqual(['10:05:00 up', '10:10:00 down', '10:15:00 up']);
  });

  test('never signals, though it would have made a crossing', async () => {
    await addTicks(scenario.market, [lateTick('09:50', '10:07:30', 1)]);
    await run.to('10:08', '10:08:00.999');
    expect((await revisions()).length).toBe(18);
    expect(await signalsOf(run)).toEqual(['10:05:00 up']);
  });

  test('counts in the session’s VWAP from then on', async () => {
    await addTicks(scenario.market, [lateTick('10:05', '10:07:30')]);
    await run.to('10:08', '10:08:00.999');
    // 34 minutes of 1,000 shares at 599.90, 4 at 600.10 (10:03 is empty) and the late 9,000 at 599.60: (… ) / 46,000.
    const notional = 33 * 1000 * 599.9 + 4 * 1000 * 600.1 + 9000 * 599.6;
    expect((await periodsOf(run)).at(-1)).toMatchObject({
      revision: 0,
      session_vwap_e6: Math.round((notional / 46_000) * 1_000_000),
    });
  });

  test('of a minute that was empty gives it a revision; its decision stays', async () => {
    const decided = await run.entry('10:03');
    expect(decided).toMatchObject({ verdict: 'SKIP', reason: 'no_signal' });
    await addTicks(scenario.market, [lateTick('10:03', '10:07:30')]);
    expect(await run.to('10:08', '10:08:00.999')).toMatchObject({ revisions: 5 });
    const at = (await periodsOf(run)).filter((row) => row.ts.endsWith('10:03:00'));
    expect(at.map((row) => [row.revision, row.volume_e6, row.vwap_e6])).toEqual([
      [0, 0, null],
      [1, 9_000_000_000, 599_600_000],
    ]);
    expect(await run.entry('10:03')).toEqual(decided);
  });

  test('and another after it add up: each appends one more revision', async () => {
    await addTicks(scenario.market, [lateTick('10:06', '10:07:30')]);
    await run.to('10:08', '10:08:00.999');
    await addTicks(scenario.market, [{ ...lateTick('10:05', '10:08:30'), seq: 2 }]);
    await run.to('10:09', '10:09:00.999');
    expect(await revisions()).toEqual([
      '10:05 r1',
      '10:06 r1',
      '10:06 r2',
      '10:07 r1',
      '10:07 r2',
      '10:08 r1',
    ]);
  });

  test('is revised once, and a slice without late rows revises nothing', async () => {
    await addTicks(scenario.market, [lateTick('10:05', '10:07:30')]);
    await run.to('10:08', '10:08:00.999');
    for (const time of ['10:08:20', '10:09', '10:09:01', '10:10', '10:11']) {
      expect(await run.to(time, `${time.padEnd(8, ':00')}.999`)).toMatchObject({ revisions: 0 });
    }
  });

  test('that is received after as_of waits for a slice that may see it', async () => {
    await addTicks(scenario.market, [lateTick('10:05', '10:08:30')]);
    expect(await run.to('10:08', '10:08:00.999')).toMatchObject({ revisions: 0 });
    expect(await run.to('10:09', '10:09:00.999')).toMatchObject({ revisions: 4 });
  });

  test('that was received before a slice and committed after it is not lost', async () => {
    await addTicks(scenario.market, [lateTick('10:05', '10:06:30')]);
    expect(await run.to('10:08', '10:08:00.999')).toMatchObject({ revisions: 3 });
  });

  test('that comes after the close, or after midnight, revises the session that it belongs to, once', async () => {
    await run.to('16:00', '16:00:00.999');
    await addTicks(scenario.market, [lateTick('15:55', '16:00:30')]);
    expect(await run.to('16:01', '16:01:00.999')).toMatchObject({ revisions: 6 });
    expect(await run.to('16:02', '16:02:00.999')).toMatchObject({ revisions: 0 });
    const next = await scenario.open(bench.runner(), { to: eastern('2026-06-19') });
    await next.to('2026-06-18 00:00:00', '2026-06-18 00:00:01');
    await addTicks(scenario.market, [lateTick('15:56', '2026-06-18 00:30:00')]);
    expect(await next.to('2026-06-18 09:31:00', '2026-06-18 09:31:01')).toMatchObject({ revisions: 5 });
    expect(await periodsLikeTicks(next, '16:00')).toEqual({ periods: 390, same: 390 });
  });

  test('of a minute that is still open is no late row', async () => {
    await run.to('10:07:40', '10:07:40.999');
    await addTicks(scenario.market, [lateTick('10:08', '10:07:50', 1)]);
    expect(await run.to('10:08', '10:08:00.999')).toMatchObject({ revisions: 0 });
    expect((await periodsOf(run)).at(-1)).toMatchObject({ tick_count: 2 });
  });

  test('from outside the session revises nothing', async () => {
    const times = ['09:00', '09:29', '16:00:30'];
    const rows = times.map((time) =>
      tick({ ts_event: scenario.at(time), close_e4: 1, ts_recv: scenario.at('10:07:30') }),
    );
    await addTicks(scenario.market, rows);
    expect(await run.to('10:08', '10:08:00.999')).toMatchObject({ revisions: 0 });
  });
});

test('rows that come again are counted and change nothing', async () => {
  const again = [lateTick('10:05', '10:07:30'), lateTick('10:06', '10:07:30')];
  expect(await addTicks(scenario.market, again)).toEqual({ inserted: 2, duplicate: 0 });
  await run.to('10:08', '10:08:00.999');
  const before = await dumpOf(run);
  expect(await addTicks(scenario.market, again)).toEqual({ inserted: 0, duplicate: 2 });
  // Received anew, with another price: the first row stays.
  const changed = again.map((row) => ({ ...row, vwap_e6: 1, ts_recv: scenario.at('10:08:30') }));
  expect(await addTicks(scenario.market, changed)).toEqual({ inserted: 0, duplicate: 2 });
  expect(await run.to('10:09', '10:09:00.999')).toMatchObject({ revisions: 0, periods: 1 });
  expect(differences(before, await dumpOf(run)).onlyFirst).toEqual([]);
});

test('rows in any order make the same run', async () => {
  const other = await createScenario(bench.owner(), { sides: { '10:05': 1 }, until: '09:31', quotes: [] });
  const { rows: ticks } = await bench
    .owner()
    .query('select * from market.equity_ticks where feed_id = $1 order by md5(ts_event::text)', [
      scenario.market.tickFeedId,
    ]);
  for (const row of ticks) {
    await bench
      .owner()
      .query(
        `insert into market.equity_ticks select (jsonb_populate_record(null::market.equity_ticks, $1)).* on conflict do nothing`,
        [{ ...row, feed_id: other.market.tickFeedId, vwap_e6: row.vwap_e6 }],
      );
  }
  await other.quote(...[...QUOTES].reverse());
  const shuffled = await other.open(bench.runner());
  await shuffled.to('10:20');
  const ordered = await scenario.open(bench.runner());
  await ordered.to('10:20');
  expect(differences(await dumpOf(ordered), await dumpOf(shuffled))).toEqual(NO_DIFFERENCES);
});

test('a quote that comes late changes no period, no decision and no fill that stands', async () => {
  const before = await dumpOf(run);
  await scenario.quote(['P600', '10:05', 3.0, 3.02, { seq: 1, recv: '10:07:30' }]);
  await scenario.quote(['P600', '10:06', 5.0, 5.02, { recv: '10:07:30' }]);
  await run.to('10:09', '10:09:00.999');
  expect(differences(before, await dumpOf(run)).onlyFirst).toEqual([]);
  expect((await run.story()).length).toBe(3);
  expect(await addQuotes(scenario.market, [])).toEqual({ inserted: 0, duplicate: 0 });
});

test('a replay of the slices of a run, each as of its own time, makes the same rows', async () => {
  await addTicks(scenario.market, [lateTick('10:05', '10:07:30'), lateTick('10:09', '10:12:10', 1)]);
  await minuteByMinute('10:08', '10:20');
  const { rows: slices } = await bench
    .owner()
    .query<{ to: string; as_of: string }>(
      'select ts_to::time::text as to, ts_as_of::time::text as as_of from trade.slices where run_id = $1 order by ts_to',
      [run.id],
    );
  const replay = await scenario.open(bench.runner(), { mode: 'replay' });
  for (const slice of slices) await replay.to(slice.to, slice.as_of);
  expect(differences(await dumpOf(run), await dumpOf(replay))).toEqual(NO_DIFFERENCES);
});

test('are looked for when a period may close, also where periods do not divide the time since midnight', async () => {
  const long = await scenario.open(bench.runner(), { settings: { period_ms: 240_000 } });
  for (const time of ['10:03', '10:05']) await long.to(time, `${time}:00.999`);
  await addTicks(scenario.market, [lateTick('10:01', '10:05:30')]);
  await long.to('10:06', '10:06:00.999');
  const revised = (await periodsOf(long)).filter((row) => row.revision > 0);
  expect(revised.map((row) => row.ts.slice(11, 16))).toEqual(['10:02']);
});

/** Periods from the open on to `to`, and how many of them are, in their latest revisions, what their ticks make now. */
async function periodsLikeTicks(of: TestRun, to: string): Promise<{ periods: number; same: number }> {
  const columns =
    'tick_count, open_e4, high_e4, low_e4, close_e4, volume_e6, notional_e12, vwap_is_typical, vwap_e6, session_vwap_e6, ma_sum_e4, ma_e6';
  const values = (row: string): string =>
    columns
      .split(', ')
      .map((column) => `${row}.${column}`)
      .join(', ');
  const { rows } = await bench.owner().query(
    `with stored as (
       select distinct on (p.ts) p.* from signal.periods p where p.run_id = $1 order by p.ts, p.revision desc
     )
     select count(*)::integer as periods,
       count(*) filter (where (${values('s')}) is not distinct from (${values('b')}))::integer as same
     from trade.runs r
     cross join signal.build_periods($2, $3, (
       null, r.instrument_id, r.tick_feed_id, 'infinity', (r.params ->> 'period_ms')::integer, (r.params ->> 'ma_minutes')::integer,
       null, null
     )::signal.context) b
     left join stored s using (ts)
     where r.run_id = $1`,
    [of.id, ...['09:30', to].map((time) => formatEastern(scenario.at(time)))],
  );
  return rows[0];
}

// 2 and 4 minutes: their ticks are counted by ten and by twenty.
test.each([15_000, 60_000, 120_000, 240_000])(
  'whatever comes late, periods of %i ms end as their ticks have them',
  async (period_ms) => {
    const long = await scenario.open(bench.runner(), { settings: { period_ms } });
    let seed = 11;
    const random = (below: number): number => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed % below;
    };
    let revised = 0;
    for (const [n, time] of minutesBetween('10:03', '10:33').entries()) {
      // Some of them before the open, some received after the slice, some of a minute that is still to end.
      const rows = Array.from({ length: random(3) }, (_, i) => {
        const close_e4 = 6_000_000 + random(4000) - 2000;
        return tick({
          ts_event: addMs(scenario.at('09:30'), (random(n * 60 + 2100) - 60) * 1000),
          seq: 10 * n + i + 2,
          close_e4,
          ...{
            open_e4: close_e4 + random(50),
            high_e4: close_e4 + 50 + random(50),
            low_e4: close_e4 - random(50),
          },
          vwap_e6: close_e4 * 100 + random(100),
          vwap_is_typical: random(20) === 0,
          volume_e6: 1_000_000 * (1 + random(500)),
          ts_recv: addMs(scenario.at(time), random(4) === 0 ? 90_000 : 0),
        });
      });
      await addTicks(scenario.market, rows);
      revised += (await long.to(time, `${time}.999`))?.revisions ?? 0;
    }
    expect(revised).toBeGreaterThan(40);
    for (const time of ['10:42', '10:50']) await long.to(time, '16:00');
    const periods = 4_800_000 / period_ms;
    expect(await periodsLikeTicks(long, '10:50')).toEqual({ periods, same: periods });
  },
);
