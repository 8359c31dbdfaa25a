// Normalised periods: every session minute has one, and nothing outside the session changes any.
import { describe, expect, test } from 'vitest';
import { addMs, type EasternUs } from '../../../core/eastern_time.ts';
import { randomStream } from '../../../sim/random.ts';
import { useBench } from '../support/connections.ts';
import { addTicks, createMarket, eastern, tick } from '../support/market.ts';
import {
  differences,
  dumpOf,
  NO_DIFFERENCES,
  openRun,
  type PeriodRow,
  periodsOf,
  signalsOf,
  type TestRun,
} from '../support/runs.ts';
import { createScenario, minutesBetween, type ScenarioOptions } from '../support/scenario.ts';

const bench = useBench();
const clock = (row: PeriodRow): string => row.ts.slice(11);

async function runOf(options: ScenarioOptions, to = '23:00'): Promise<TestRun> {
  const scenario = await createScenario(bench.owner(), options);
  const run = await scenario.open(bench.runner());
  await run.to(to);
  return run;
}

async function periodAt(run: TestRun, time: string): Promise<PeriodRow> {
  const row = (await periodsOf(run)).find((each) => clock(each) === time);
  if (row === undefined) throw new Error(`no period at ${time}`);
  return row;
}

describe('every minute of the session has one period, timed by its end', () => {
  test('on a full day', async () => {
    const run = await runOf({ sides: { '09:31': null, '10:00': null, '12:34': null, '16:00': null } });
    expect((await periodsOf(run)).map(clock)).toEqual(minutesBetween('09:31', '16:00'));
  });

  test('on a half day, which ends at 13:00 though rows go on', async () => {
    const scenario = await createScenario(bench.owner(), { date: '2026-11-27', sides: {} });
    const later = minutesBetween('13:00', '15:59').map((time) =>
      tick({ ts_event: scenario.at(time), close_e4: 6_500_000 }),
    );
    await addTicks(scenario.market, later);
    const run = await scenario.open(bench.runner());
    await run.to('23:00');
    const periods = await periodsOf(run);
    expect(periods.map(clock)).toEqual(minutesBetween('09:31', '13:00'));
    expect(Math.max(...periods.map((row) => row.high_e4 ?? 0))).toBe(6_000_000);
  });

  test.each<[string, string, string, string]>([
    [
      'the Friday before the clocks go forward',
      '2026-03-06',
      '2026-03-06 14:31:00+00',
      '2026-03-06 21:00:00+00',
    ],
    ['the Monday after', '2026-03-09', '2026-03-09 13:31:00+00', '2026-03-09 20:00:00+00'],
    ['the Friday before they go back', '2026-10-30', '2026-10-30 13:31:00+00', '2026-10-30 20:00:00+00'],
    ['the Monday after that', '2026-11-02', '2026-11-02 14:31:00+00', '2026-11-02 21:00:00+00'],
  ])('from 09:30 to 16:00 Eastern on %s', async (_, date, first, last) => {
    const run = await runOf({ date, sides: {} });
    expect((await periodsOf(run)).map(clock)).toEqual(minutesBetween('09:31', '16:00'));
    const { rows } = await bench
      .owner()
      .query(
        "select min(ref.instant(ts)) at time zone 'utc' || '+00' as first, max(ref.instant(ts)) at time zone 'utc' || '+00' as last from signal.periods where run_id = $1",
        [run.id],
      );
    expect(rows).toEqual([{ first, last }]);
  });

  test('and there is none on a day without a session', async () => {
    const market = await createMarket(bench.owner());
    const days = ['2026-06-19', '2026-06-20', '2026-06-21'];
    await addTicks(
      market,
      days.map((date) => tick({ ts_event: eastern(`${date} 10:00`), close_e4: 6_000_000 })),
    );
    const run = await openRun(bench.runner(), market, {
      from: eastern('2026-06-19'),
      to: eastern('2026-06-22'),
    });
    await run.advance(eastern('2026-06-22'));
    expect(await periodsOf(run)).toEqual([]);
  });

  test('however little there is: a session without a single row has 390 empty ones', async () => {
    const market = await createMarket(bench.owner());
    const run = await openRun(bench.runner(), market, {
      from: eastern('2026-06-17'),
      to: eastern('2026-06-18'),
    });
    await run.advance(eastern('2026-06-18'));
    const periods = await periodsOf(run);
    expect(periods.length).toBe(390);
    expect(
      new Set(periods.map((row) => `${row.close_e4} ${row.volume_e6} ${row.session_vwap_e6} ${row.ma_e6}`)),
    ).toEqual(new Set(['null 0 null null']));
    expect(await signalsOf(run)).toEqual([]);
  });
});

describe('an empty minute', () => {
  test('has no volume, no VWAP and no side, and carries the close', async () => {
    const run = await runOf({ sides: { '10:05': null, '10:06': 1 } });
    const before = await periodAt(run, '10:04:00');
    expect(await periodAt(run, '10:05:00')).toMatchObject({
      open_e4: null,
      high_e4: null,
      low_e4: null,
      close_e4: 6_000_000,
      volume_e6: 0,
      tick_count: 0,
      vwap_e6: null,
      session_vwap_e6: before.session_vwap_e6,
      ma_e6: 600_000_000,
      strike_e4: null,
    });
    // The side of 10:04 is compared with that of 10:06.
    expect(await signalsOf(run)).toEqual(['10:06:00 up']);
  });

  test('at the open has no close to carry, and the average waits for nine', async () => {
    const run = await runOf({ sides: { '09:31': null, '09:32': null, '09:33': -1 } });
    expect(await periodAt(run, '09:32:00')).toMatchObject({
      close_e4: null,
      session_vwap_e6: null,
      ma_e6: null,
    });
    expect(await periodAt(run, '09:40:00')).toMatchObject({ ma_e6: null });
    expect(await periodAt(run, '09:41:00')).toMatchObject({ ma_e6: 600_000_000 });
  });
});

test('a run that begins in mid-session looks back to the open: its indicators are those of the day', async () => {
  const scenario = await createScenario(bench.owner(), {
    sides: { '10:05': 1, '11:10': -1 },
    until: '11:20',
  });
  const whole = await scenario.open(bench.runner());
  const part = await scenario.open(bench.runner(), { from: scenario.at('11:00:30') });
  for (const run of [whole, part]) await run.to('11:20');
  const range = { from: scenario.at('11:01'), to: scenario.at('11:21') };
  const rows = await dumpOf(part, range);
  expect(rows.length).toBe(41);
  expect(differences(await dumpOf(whole, range), rows)).toEqual(NO_DIFFERENCES);
});

describe('rows outside the session change nothing:', () => {
  test.each<[string, readonly string[]]>([
    ['the closing cross at 16:00', ['16:00:00']],
    ['after hours', ['16:00:01', '16:05:00', '18:00:00']],
    ['before the open', ['04:00:00', '09:29:00', '09:29:59.999999']],
  ])('%s', async (_, times) => {
    const sides = { '10:05': 1, '12:00': -1, '15:59': 1 } as const;
    const plain = await runOf({ sides });
    const scenario = await createScenario(bench.owner(), { sides });
    const rows = times.map((time) =>
      tick({ ts_event: scenario.at(time), close_e4: 9_000_000, volume_e6: 1e12 }),
    );
    await addTicks(scenario.market, rows);
    const run = await scenario.open(bench.runner());
    await run.to('23:00');
    expect(await dumpOf(run)).toEqual(await dumpOf(plain));
  });
});

describe('indicators', () => {
  test('the first average stands at the ninth minute, and none is carried over sessions', async () => {
    const first = await createScenario(bench.owner(), { sides: { '15:59': 1 } });
    await createScenario(bench.owner(), { market: first.market, date: '2026-06-18', sides: {}, px: 610 });
    const run = await first.open(bench.runner(), { to: eastern('2026-06-19') });
    await run.to('2026-06-19 00:00');
    const averages = (await periodsOf(run)).filter((row) => row.ma_e6 !== null);
    expect(averages.filter((row) => clock(row) < '09:39:00')).toEqual([]);
    expect(averages.find((row) => row.ts === '2026-06-17T09:39:00')?.ma_e6).toBe(600_000_000);
    expect(averages.find((row) => row.ts === '2026-06-18T09:39:00')?.ma_e6).toBe(610_000_000);
    expect((await periodsOf(run)).find((row) => row.ts === '2026-06-18T09:31:00')?.session_vwap_e6).toBe(
      609_900_000,
    );
    // The day ended above its average and the next begins below: no crossing.
    expect(await signalsOf(run)).toEqual(['15:59:00 up']);
  });

  test('are exact: sums of whole numbers, rounded once', async () => {
    const random = randomStream(7, 'exact');
    const market = await createMarket(bench.owner(), { spanMs: 0 });
    const open = eastern('2026-06-17 09:30');
    // Prints of up to a hundred million shares at prices of six decimals: no double holds their sums.
    const prints = Array.from({ length: 400 }, (_, seq) => {
      const close_e4 = random.int(5_000_000, 7_000_000);
      const vwap_e6 = close_e4 * 100 + random.int(-99, 99);
      const volume_e6 = random.int(1, 100_000_000) * 1_000_000 + random.int(0, 999_999);
      const ts_event = addMs(open, random.int(0, 19 * 60_000 + 59_999));
      return tick({ ts_event, seq, span_ms: 0, close_e4, vwap_e6, volume_e6 });
    });
    await addTicks(market, prints);
    const run = await openRun(bench.runner(), market, { from: open, to: addMs(open, 1_200_000) });
    await run.advance(addMs(open, 1_200_000));
    const rows = await periodsOf(run);
    expect(rows.length).toBe(20);
    const closes: number[] = [];
    for (const [n, row] of rows.entries()) {
      const end = addMs(open, (n + 1) * 60_000);
      const minute = prints.filter((p) => p.ts_event < end && p.ts_event >= addMs(end, -60_000));
      const session = prints.filter((p) => p.ts_event < end);
      const last = [...session].sort((a, b) => a.ts_event - b.ts_event || a.seq - b.seq).at(-1);
      closes.push(last?.close_e4 ?? Number.NaN);
      expect(row).toMatchObject({
        vwap_e6: exactVwap(minute),
        session_vwap_e6: exactVwap(session),
        tick_count: minute.length,
        close_e4: last?.close_e4,
        ma_sum_e4: n < 8 ? null : closes.slice(-9).reduce((a, b) => a + b, 0),
      });
    }
  });

  test('of bars without a VWAP rest on their typical price and say so', async () => {
    const scenario = await createScenario(bench.owner(), { sides: { '10:05': null } });
    const typical = tick({
      ts_event: scenario.at('10:04'),
      close_e4: 6_000_000,
      vwap_e6: 600_333_333,
      vwap_is_typical: true,
    });
    await addTicks(scenario.market, [typical]);
    const run = await scenario.open(bench.runner());
    await run.to('23:00');
    const flagged = (await periodsOf(run)).filter((row) => row.vwap_is_typical);
    expect(flagged.map((row) => [clock(row), row.vwap_e6])).toEqual([['10:05:00', 600_333_333]]);
  });
});

interface Weighted {
  readonly vwap_e6: number;
  readonly volume_e6: number;
}

/** Rounded half up, in whole numbers. */
function exactVwap(rows: readonly Weighted[]): number | null {
  const volume = rows.reduce((sum, row) => sum + BigInt(row.volume_e6), 0n);
  const notional = rows.reduce((sum, row) => sum + BigInt(row.vwap_e6) * BigInt(row.volume_e6), 0n);
  return volume === 0n ? null : Number((2n * notional + volume) / (2n * volume));
}

describe('periods shorter than a minute', () => {
  const open = eastern('2026-06-17 09:30');
  const random = randomStream(8, 'seconds');
  const seconds = Array.from({ length: 900 }, (_, n) => n)
    .filter(() => !random.chance(0.3))
    .map((n) =>
      tick({
        ts_event: addMs(open, n * 1000),
        span_ms: 1000,
        close_e4: 6_000_000 + random.int(-50, 50) * 100,
        vwap_e6: 600_000_000 + random.int(-500_000, 500_000),
        volume_e6: random.int(1, 900) * 1_000_000,
      }),
    );

  test.each([1000, 5000, 30_000])(
    'of %d ms have the VWAP of the trailing minute and an average of closes a minute apart',
    async (period_ms) => {
      const market = await createMarket(bench.owner(), { spanMs: 1000 });
      await addTicks(market, seconds);
      const to = addMs(open, 900_000);
      const run = await openRun(bench.runner(), market, { from: open, to, settings: { period_ms } });
      // In two slices: the second reads the periods of the first.
      await run.advance(addMs(open, 333_333));
      await run.advance(to);
      const rows = await periodsOf(run);
      expect(rows.length).toBe(900_000 / period_ms);
      const closeAt = (end: EasternUs): number =>
        seconds.filter((row) => row.ts_event < end).at(-1)?.close_e4 ?? Number.NaN;
      for (const row of rows) {
        const end = eastern(row.ts.replace('T', ' '));
        const minute = seconds.filter((each) => each.ts_event < end && each.ts_event >= addMs(end, -60_000));
        const ends = Array.from({ length: 9 }, (_, n) => addMs(end, -n * 60_000));
        const closes = ends.map(closeAt);
        const isComplete = ends.every((each) => each > open) && closes.every((close) => !Number.isNaN(close));
        expect(row).toMatchObject({
          vwap_e6: exactVwap(minute),
          ma_sum_e4: isComplete ? closes.reduce((a, b) => a + b, 0) : null,
        });
      }
    },
  );
});
