// The importers on real recordings, read where they lie: ../shared/data, absent in a user's clone.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EquityTick } from '../../../core/domain.ts';
import { dateOf } from '../../../core/eastern_time.ts';
import { checkCalendar, openImport, type SessionLookup } from '../../../ingest/files/index.ts';
import { eastern, lacksShared, readAll, shared, TS_RECV } from './support.ts';

const QQQ = ['qqq_1m_sip_2025_2026', 'QQQ_1Min_2025-09-21_2026-03-21.csv'] as const;
const LEAN = ['lean_data', 'Data'] as const;
const SPY_DAYS = ['20131007', '20131008', '20131009', '20131010', '20131011'];

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe.skipIf(lacksShared(...QQQ))('the recorded QQQ bars', () => {
  it('are 48,811 bars of 125 sessions, none rejected', async () => {
    const { ticks, rejected, duplicates, file } = await readAll(shared(...QQQ));
    expect([ticks.length, rejected.length, duplicates]).toEqual([48_811, 0, 0]);
    expect(new Set(ticks.map((tick) => dateOf(tick.ts_event))).size).toBe(125);
    expect([file.symbol, file.feed.name, file.feed.span_ms]).toEqual(['QQQ', 'bars-60s', 60_000]);
    expect(ticks[0]).toMatchObject({
      ts_event: eastern('2025-09-22 09:30:00'),
      open_e4: 5_977_400,
      vwap_e6: 597_908_083,
      vwap_is_typical: false,
      volume_e6: 781_617_000_000,
      trade_count: 12_505,
    });
    expect(ticks.at(-1)?.ts_event).toBe(eastern('2026-03-20 16:00:00'));
  });

  it('fit the calendar, half days and clock changes included', async () => {
    const closed = new Set(['2025-11-27', '2025-12-25', '2026-01-01', '2026-01-19', '2026-02-16']);
    const half = new Set(['2025-11-28', '2025-12-24']);
    const sessions: SessionLookup = (date) => {
      if (new Date(`${date}T00:00:00Z`).getUTCDay() % 6 === 0 || closed.has(date)) return null;
      const close = half.has(date) ? '13:00:00' : '16:00:00';
      return { ts_open: eastern(`${date} 09:30:00`), ts_close: eastern(`${date} ${close}`) };
    };
    const file = await openImport(shared(...QQQ), { tsRecv: TS_RECV });
    expect(await checkCalendar(file, sessions)).toEqual([]);
    const asChicago = await openImport(shared(...QQQ), { tsRecv: TS_RECV, tz: 'America/Chicago' });
    const [finding] = await checkCalendar(asChicago, sessions);
    expect(finding?.text).toMatch(/open at 10:30 \(from 2025-09-22\) on 12\d of 125 days/);
  });
});

describe.skipIf(lacksShared(...LEAN))('the recorded LEAN days', () => {
  const spy = (resolution: string, day: string): string =>
    shared(...LEAN, 'equity', 'usa', resolution, 'spy', `${day}_trade.zip`);

  const volume = (ticks: readonly EquityTick[]): number =>
    sum(ticks.map((tick) => tick.volume_e6)) / 1_000_000;

  // The vendor books the volume of a few seconds to the neighbouring minute: the days differ by 300 shares at most.
  it.each(SPY_DAYS)('of SPY agree among themselves: minutes are made of seconds, %s', async (day) => {
    const seconds = (await readAll(spy('second', day))).ticks;
    const minutes = (await readAll(spy('minute', day))).ticks;
    const parts = byMinute(seconds);
    expect(minutes.map((tick) => tick.ts_event)).toEqual([...parts.keys()]);
    const made = minutes.map((minute) => minuteOf(parts.get(minute.ts_event) ?? []));
    for (const price of ['high_e4', 'low_e4', 'close_e4'] as const) {
      expect(minutes.map((minute) => minute[price])).toEqual(made.map((minute) => minute[price]));
    }
    const differing = (key: 'open_e4' | 'volume_e6'): number =>
      minutes.filter((minute, i) => minute[key] !== made[i]?.[key]).length;
    expect(differing('open_e4')).toBeLessThanOrEqual(1);
    expect(differing('volume_e6')).toBeLessThanOrEqual(58);
    expect(Math.abs(volume(minutes) - volume(seconds))).toBeLessThanOrEqual(300);
  });

  it('of SPY have ticks that add up to the seconds, but for the opening cross, which LEAN leaves out of its bars', async () => {
    const regular = ({ ts_event }: EquityTick): boolean =>
      ts_event >= eastern('2013-10-10 09:30:00') && ts_event < eastern('2013-10-10 16:00:00');
    const { ticks, setAside } = await readAll(spy('tick', '20131010'));
    const seconds = (await readAll(spy('second', '20131010'))).ticks;
    expect([ticks.length, setAside.length]).toEqual([460_018, 14]);
    expect(setAside.filter(({ reason }) => reason.includes('suspicious'))).toHaveLength(10);
    expect(volume(ticks.filter(regular)) - volume(seconds.filter(regular))).toBe(322_881);
  });

  it('of SPXW are minute quotes of 2021-01-04, timed by the end of their minute', async () => {
    const path = shared(...LEAN, 'indexoption', 'usa', 'minute', 'spxw', '20210104_quote_european.zip');
    const { quotes, rejected, setAside, file } = await readAll(path);
    expect([quotes.length, rejected.length, setAside.length, file.symbol]).toEqual([4_565, 0, 0, 'SPX']);
    expect(new Set(quotes.map((quote) => quote.symbol)).size).toBe(12);
    const first = quotes.find((quote) => quote.symbol === 'SPXW  210104C03700000');
    expect(first).toMatchObject({
      ts_event: eastern('2021-01-04 09:31:00'),
      bid_px_e4: 649_000,
      ask_px_e4: 679_000,
      bid_sz: 48,
      ask_sz: 15,
    });
  });

  it('of all kinds are read or refused without one rejected row', async () => {
    const folders = [
      ['equity', 'usa', 'minute', 'spy'],
      ['index', 'usa', 'minute', 'spx'],
      ['indexoption', 'usa', 'minute', 'spx'],
      ['indexoption', 'usa', 'minute', 'spxw'],
      ['option', 'usa', 'minute', 'spy'],
      ['option', 'usa', 'minute', 'goog'],
    ];
    for (const folder of folders) {
      for (const name of readdirSync(shared(...LEAN, ...folder))) {
        const path = shared(...LEAN, ...folder, name);
        const stored = !name.includes('openinterest') && !(folder[0] === 'equity' && name.includes('quote'));
        if (!stored) await expect(readAll(path), path).rejects.toThrow(/not imported|not stored/);
        else expect((await readAll(path)).rejected, path).toEqual([]);
      }
    }
  });

  it('of the SPX index open at 09:30 Eastern, though the file says 08:30', async () => {
    const { ticks } = await readAll(shared(...LEAN, 'index', 'usa', 'minute', 'spx', '20230703_trade.zip'));
    expect([ticks[0]?.ts_event, ticks.at(-1)?.ts_event]).toEqual([
      eastern('2023-07-03 09:30:00'),
      eastern('2023-07-03 12:59:00'),
    ]);
  });
});

function byMinute(seconds: readonly EquityTick[]): Map<number, EquityTick[]> {
  const minutes = new Map<number, EquityTick[]>();
  for (const tick of seconds) {
    const minute = tick.ts_event - (tick.ts_event % 60_000_000);
    minutes.set(minute, [...(minutes.get(minute) ?? []), tick]);
  }
  return minutes;
}

function minuteOf(
  seconds: readonly EquityTick[],
): Record<'open_e4' | 'high_e4' | 'low_e4' | 'close_e4' | 'volume_e6', number> {
  return {
    open_e4: seconds[0]?.open_e4 ?? 0,
    high_e4: Math.max(...seconds.map((second) => second.high_e4)),
    low_e4: Math.min(...seconds.map((second) => second.low_e4)),
    close_e4: seconds.at(-1)?.close_e4 ?? 0,
    volume_e6: sum(seconds.map((second) => second.volume_e6)),
  };
}

describe.skipIf(lacksShared('vix_history_cboe'))("Cboe's index histories", () => {
  it.each([
    ['VIX_History.csv', 'VIX', 9_234],
    ['VIX9D_History.csv', 'VIX9D', 3_909],
    ['VIX3M_History.csv', 'VIX3M', 4_235],
    ['VVIX_History.csv', 'VVIX', 5_066],
    ['SKEW_History.csv', 'SKEW', 9_189],
  ])('are read whole: %s', async (name, symbol, rows) => {
    const { file, ticks, rejected } = await readAll(shared('vix_history_cboe', name));
    expect([file.symbol, ticks.length, rejected.length]).toEqual([symbol, rows, 0]);
    expect(ticks.at(-1)?.ts_event).toBe(eastern('2026-07-22'));
  });
});

describe.skipIf(lacksShared('chains_yahoo_qqq_2026_02'))('the recorded QQQ chains', () => {
  it.each([
    ['QQQ_options.csv', '2026-02-11 11:31:01', 6_916],
    ['QQQ_options_3.csv', '2026-02-12 12:58:53', 7_169],
  ])('are one snapshot each, their seven crossed contracts set aside: %s', async (name, at, contracts) => {
    const { chains, rejected, setAside } = await readAll(shared('chains_yahoo_qqq_2026_02', name));
    expect([chains.length, rejected.length, setAside.length]).toEqual([1, 0, 7]);
    expect([chains[0]?.ts_event, chains[0]?.options.length]).toEqual([eastern(at), contracts]);
  });
});
