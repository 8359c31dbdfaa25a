// Crossings of minute VWAP and moving average: by hand, and over the recorded QQQ bars by a calculation of another kind.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EquityTick } from '../../../core/domain.ts';
import { addMs } from '../../../core/eastern_time.ts';
import { openImport } from '../../../ingest/files/index.ts';
import { needsSharedData, sharedData } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import {
  addTicks,
  contract,
  createMarket,
  eastern,
  listContracts,
  type Market,
  tick,
} from '../support/market.ts';
import { HINDSIGHT, openRun, signalsOf, storyOf } from '../support/runs.ts';
import { createScenario, type ScenarioOptions } from '../support/scenario.ts';

const bench = useBench();

describe('a hand-made session', () => {
  async function crossings(sides: ScenarioOptions['sides']): Promise<string[]> {
    const scenario = await createScenario(bench.owner(), { sides, until: '11:00' });
    const run = await scenario.open(bench.runner());
    await run.to('11:00');
    return signalsOf(run);
  }

  test('crosses up where the VWAP goes from 409 to 410 while the average goes from 410 to 409', async () => {
    const market = await createMarket(bench.owner());
    await listContracts(
      bench.owner(),
      ['C409', 'P409', 'C410', 'P410'].map((label) => contract(label, '2026-06-17')),
    );
    const open = eastern('2026-06-17 09:30');
    const bar = (n: number, vwap: number, close: number): EquityTick =>
      tick({ ts_event: addMs(open, n * 60_000), close_e4: close * 10_000, vwap_e6: vwap * 1_000_000 });
    // Nine closes of 410; the tenth of 401 takes one of them off and the mean to 409.
    await addTicks(market, [...Array.from({ length: 9 }, (_, n) => bar(n, 409, 410)), bar(9, 410, 401)]);
    const run = await openRun(bench.runner(), market, { from: open, to: addMs(open, 600_000) });
    await run.advance(addMs(open, 600_000));
    const { rows } = await bench
      .owner()
      .query(
        'select ts::time::text, direction, vwap_e6::int, ma_e6::int, close_e4 from signal.signals where run_id = $1',
        [run.id],
      );
    expect(rows).toEqual([
      { ts: '09:40:00', direction: 1, vwap_e6: 410_000_000, ma_e6: 409_000_000, close_e4: 4_010_000 },
    ]);
    const { rows: chosen } = await bench
      .owner()
      .query(
        'select c.symbol from signal.periods p join ref.instruments c on c.instrument_id = p.put_id where p.run_id = $1 and p.ts = $2',
        [run.id, '2026-06-17 09:40'],
      );
    expect(chosen).toEqual([{ symbol: 'QQQ   260617P00410000' }]);
  });

  test('crosses where the side changes, and nowhere else', async () => {
    expect(await crossings({ '10:05': 1, '10:06': -1, '10:20': 1 })).toEqual([
      '10:05:00 up',
      '10:06:00 down',
      '10:20:00 up',
    ]);
  });

  test('keeps the side it had while there is no difference', async () => {
    expect(await crossings({ '10:05': 0, '10:06': -1, '10:10': 1, '10:11': 0, '10:15': 1 })).toEqual([
      '10:10:00 up',
    ]);
    expect(await crossings({ '10:05': 0, '10:10': 1 })).toEqual(['10:10:00 up']);
  });

  test('does not cross with its first side, however late that comes', async () => {
    expect(await crossings({ '09:31': 1 })).toEqual([]);
    expect(await crossings({ '09:31': 0, '10:10': 1, '10:20': -1 })).toEqual(['10:20:00 down']);
  });

  test('tells the smallest difference there is from none', async () => {
    const market = await createMarket(bench.owner());
    const open = eastern('2026-06-17 09:30');
    // An average of 600.0000111…: 600.000011 is below it and 600.000012 above.
    const vwaps = [...Array.from({ length: 9 }, () => 600_000_011), 600_000_012, 600_000_011];
    const closes = [...Array.from({ length: 8 }, () => 6_000_000), 6_000_001, 6_000_000, 6_000_000];
    const bars = vwaps.map((vwap_e6, n) =>
      tick({ ts_event: addMs(open, n * 60_000), close_e4: closes[n] as number, vwap_e6 }),
    );
    await addTicks(market, bars);
    const run = await openRun(bench.runner(), market, { from: open, to: addMs(open, 660_000) });
    await run.advance(addMs(open, 660_000));
    expect(await signalsOf(run)).toEqual(['09:40:00 up', '09:41:00 down']);
    expect(await storyOf(run)).toEqual([]);
  });
});

const FILE = ['qqq_1m_sip_2025_2026', 'QQQ_1Min_2025-09-21_2026-03-21.csv'] as const;

interface RawBar {
  readonly time: string;
  readonly close: number;
  readonly vwap: number;
}

/** The file's lines by date, read without anything of ours. */
function readDays(path: string): Map<string, string[][]> {
  const days = new Map<string, string[][]>();
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    const date = line.slice(0, 10);
    const day = days.get(date) ?? [];
    day.push(line.split(','));
    days.set(date, day);
  }
  return days;
}

/** The session minutes of a day, whose bars start in [09:30, close); prices as they print. */
function sessionBars(day: readonly (readonly string[])[] | undefined, close: string): RawBar[] {
  return (day ?? [])
    .map((cells) => ({
      time: (cells[0] as string).slice(11),
      close: Number(cells[4]),
      vwap: Number(cells[7]),
    }))
    .filter((bar) => bar.time >= '09:30:00' && bar.time < close);
}

/** Crossings by the definition: side of VWAP − mean of nine closes; zero keeps the side; the first side is no crossing. */
function crossingsOf(bars: readonly RawBar[]): string[] {
  const found: string[] = [];
  let side = 0;
  for (let n = 8; n < bars.length; n += 1) {
    const bar = bars[n] as RawBar;
    const mean = bars.slice(n - 8, n + 1).reduce((sum, each) => sum + each.close, 0) / 9;
    const difference = bar.vwap - mean;
    // Prices have at most six decimals: below a ten-millionth a double cannot tell the difference from zero.
    const now = Math.abs(difference) < 1e-7 ? side : Math.sign(difference);
    if (side !== 0 && now !== side) found.push(`${bar.time} ${now > 0 ? 'up' : 'down'}`);
    side = now;
  }
  return found;
}

describe('the recorded QQQ bars', () => {
  needsSharedData(...FILE);
  const path = sharedData(...FILE);
  let market: Market;
  let days = new Map<string, string[][]>();

  beforeAll(async () => {
    if (path === null) return;
    days = readDays(path);
    market = await createMarket(bench.owner());
    const file = await openImport(path, { tsRecv: eastern('2026-03-21 12:00'), symbol: 'QQQ' });
    for await (const batch of file.batches()) await addTicks(market, batch.ticks);
  });

  async function scan(from: string, to: string): Promise<string[]> {
    const { rows } = await bench.runner().query<{ line: string }>(
      `select to_char(s.ts - interval '1 minute', 'YYYY-MM-DD HH24:MI:SS') || case s.direction when 1 then ' up' else ' down' end as line
       from ref.instruments i
       cross join lateral signal.vwap_ma9($1, $2, row(null, i.instrument_id, $3, $4, 60000, 9, null, null)::signal.context) s
       where i.symbol = 'QQQ' order by s.ts`,
      [from, to, market.tickFeedId, '2027-01-01'],
    );
    return rows.map((row) => row.line);
  }

  test.each([
    ['2025-11-03', '16:00:00'],
    ['2025-11-28', '13:00:00'],
    ['2026-03-09', '16:00:00'],
  ])('cross on %s where a calculation by hand says', async (date, close) => {
    const byHand = crossingsOf(sessionBars(days.get(date), close));
    expect(byHand.length).toBeGreaterThan(20);
    expect((await scan(date, `${date} 23:00`)).map((line) => line.slice(11))).toEqual(byHand);
  });

  test('cross 8,206 times in 125 sessions, each where the calculation by hand says', async () => {
    const { rows } = await bench
      .owner()
      .query<{ date: string; close: string }>(
        "select session_date::text as date, ts_close::time::text as close from ref.sessions where session_date >= '2025-09-22' and session_date < '2026-03-21' order by 1",
      );
    expect(rows.length).toBe(125);
    const byHand = rows.flatMap(({ date, close }) =>
      crossingsOf(sessionBars(days.get(date), close)).map((line) => `${date} ${line}`),
    );
    const scanned = await scan('2025-09-22', '2026-03-21');
    expect(scanned.length).toBe(8206);
    expect(scanned).toEqual(byHand);
  });

  test('cross in a stored run as in a scan that stores nothing', async () => {
    const run = await openRun(bench.runner(), market, {
      from: eastern('2025-10-31'),
      to: eastern('2025-11-05'),
    });
    await run.advance(eastern('2025-11-05'), HINDSIGHT);
    const { rows } = await bench.owner().query<{ line: string }>(
      `select to_char(ts - interval '1 minute', 'YYYY-MM-DD HH24:MI:SS') || case direction when 1 then ' up' else ' down' end as line
       from signal.signals where run_id = $1 order by ts`,
      [run.id],
    );
    expect(rows.map((row) => row.line)).toEqual(await scan('2025-10-31', '2025-11-05'));
  });
});
