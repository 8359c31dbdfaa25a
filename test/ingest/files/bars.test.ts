import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEastern } from '../../../core/eastern_time.ts';
import { barClock } from '../../../ingest/files/bar_clock.ts';
import { openImport } from '../../../ingest/files/index.ts';
import { eastern, fixture, readAll, reasons, scratchFolder, TS_RECV } from './support.ts';

const HEADER = 'timestamp,open,high,low,close,volume';
const write = scratchFolder();

const bars = (...rows: readonly string[]): string => [HEADER, ...rows, ''].join('\n');
const bar = (time: string): string => `${time},10,11,9,10.5,100`;

describe('the clock of bars', () => {
  it('gives what parseEastern gives, for real times and others, day after day', () => {
    const digits = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
    const day = fc.constantFrom(
      '2025-10-31',
      '2025-11-03',
      '2024-02-29',
      '2025-02-29',
      '2025-13-01',
      '2025-1-031',
    );
    const separators = fc.constantFrom(' ', 'T', '-', '');
    const text = fc
      .tuple(
        day,
        separators,
        digits(25),
        digits(61),
        fc.constantFrom(':', ' '),
        digits(61),
        fc.constantFrom('', '.5', 'x'),
      )
      .map(
        ([date, separator, hour, minute, colon, second, rest]) =>
          `${date}${separator}${hour}:${minute}${colon}${second}${rest}`,
      );
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        const clock = barClock(undefined);
        for (const each of texts) {
          const us = clock(each);
          expect(typeof us === 'number' ? us : null, each).toBe(parseEastern(each));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a bars file', () => {
  it('is read by the names of its columns, in any case and order', async () => {
    const { file, ticks } = await readAll(fixture('QQQ_1Min.csv'));
    expect(file.feed).toEqual({ name: 'bars-60s', kind: 'equity', span_ms: 60_000, source: 'recorded' });
    expect([file.symbol, file.instrumentKind, file.clock]).toEqual(['QQQ', 'equity', 'assumed']);
    expect(ticks).toHaveLength(4);
    expect(ticks[0]).toEqual({
      symbol: 'QQQ',
      ts_event: eastern('2025-10-31 09:30:00'),
      event_ns: 0,
      seq: 0,
      span_ms: 60_000,
      open_e4: 4_000_000,
      high_e4: 4_005_000,
      low_e4: 3_999_000,
      close_e4: 4_002_500,
      vwap_e6: 400_100_000,
      vwap_is_typical: false,
      volume_e6: 1_000_500_000,
      trade_count: 12,
      ts_recv: TS_RECV,
    });
    expect(ticks[3]).toMatchObject({ open_e4: 4_001_235, vwap_e6: 400_200_000 });
  });

  it('gets the typical price, flagged, where there is no vwap', async () => {
    const { ticks } = await readAll(fixture('QQQ_1Min.csv'));
    // (400.30 + 400.10 + 400.12) / 3 = 400.17333…
    expect(ticks[1]).toMatchObject({ vwap_e6: 400_173_333, vwap_is_typical: true });
    expect(ticks[2]).toMatchObject({ vwap_e6: 400_120_000, vwap_is_typical: true });
    const path = write('SPY_1.csv', bars(bar('2025-10-31 09:30:00'), bar('2025-10-31 09:31:00')));
    const whole = await readAll(path);
    expect(whole.ticks.every((tick) => tick.vwap_is_typical)).toBe(true);
    expect(whole.ticks[0]?.trade_count).toBeNull();
    expect(whole.file.findings.map(({ text }) => text).join()).toMatch(/no vwap: the typical price/);
  });

  it('takes its symbol from --symbol, else from capitals at the start of its name', async () => {
    const text = bars(bar('2025-10-31 09:30:00'), bar('2025-10-31 09:31:00'));
    expect((await readAll(write('bars.csv', text), { symbol: 'qqq' })).file.symbol).toBe('QQQ');
    expect((await readAll(write('VIX.csv', text))).file.instrumentKind).toBe('index');
    const named = await readAll(write('SPY_1Min_2025.csv', text));
    expect(named.file.findings).toContainEqual({
      severity: 'info',
      text: "symbol SPY, from the file's name",
    });
    await expect(readAll(write('export.csv', text))).rejects.toThrow(/does not begin with a symbol/);
  });

  it('is converted from the zone of --tz on both sides of a clock change', async () => {
    const path = write(
      'QQQ_utc.csv',
      bars(bar('2025-10-31 13:30:00'), bar('2025-10-31 13:31:00'), bar('2025-11-03T14:30:00')),
    );
    const { ticks, file } = await readAll(path, { tz: 'UTC' });
    expect(ticks.map((tick) => tick.ts_event)).toEqual([
      eastern('2025-10-31 09:30:00'),
      eastern('2025-10-31 09:31:00'),
      eastern('2025-11-03 09:30:00'),
    ]);
    expect(file.clock).toBe('stated');
    const chicago = write('QQQ_chi.csv', bars(bar('2025-10-31 08:30:00'), bar('2025-10-31 08:31:00')));
    expect((await readAll(chicago, { tz: 'America/Chicago' })).ticks[0]?.ts_event).toBe(
      eastern('2025-10-31 09:30:00'),
    );
    await expect(readAll(path, { tz: 'America/Chicageau' })).rejects.toThrow(/unknown time zone/);
  });

  it('may carry offsets from UTC, on every row or on none', async () => {
    const path = write(
      'QQQ_iso.csv',
      bars(
        bar('2025-10-31T13:30:00Z'),
        bar('2025-10-31T09:31:00-04:00'),
        bar('2025-10-31T13:32:00.000+0000'),
      ),
    );
    const { ticks } = await readAll(path);
    expect(ticks.map((tick) => tick.ts_event)).toEqual(
      ['09:30', '09:31', '09:32'].map((time) => eastern(`2025-10-31 ${time}:00`)),
    );
    await expect(readAll(path, { tz: 'UTC' })).rejects.toThrow(/carry their own offset/);
    const mixed = write('QQQ_mixed.csv', bars(bar('2025-10-31T13:30:00Z'), bar('2025-10-31T13:31:00')));
    expect(reasons(await readAll(mixed))).toEqual([
      'QQQ_mixed.csv:3: some timestamps carry an offset from UTC and others do not',
    ]);
  });

  it('says which hour does not exist on the day the clock is put forward', async () => {
    const text = bars(bar('2026-03-08 01:59:00'), bar('2026-03-08 02:00:00'), bar('2026-03-08 03:00:00'));
    const { rejected } = await readAll(write('QQQ_dst.csv', text), { tz: 'America/Chicago' });
    expect(rejected[0]?.reason).toMatch(/2026-03-08 02:00:00 does not exist in America\/Chicago/);
  });

  it('has bars as long as its smallest common step', async () => {
    const five = bars(bar('2025-10-31 09:30:00'), bar('2025-10-31 09:35:00'), bar('2025-10-31 09:45:00'));
    expect((await readAll(write('QQQ_5.csv', five))).file.feed).toMatchObject({
      name: 'bars-300s',
      span_ms: 300_000,
    });
    const hours = bars(bar('2025-10-31 09:30:00'), bar('2025-10-31 10:30:00'));
    expect((await readAll(write('QQQ_h.csv', hours))).ticks).toHaveLength(2);
    const days = bars(bar('2025-10-30'), bar('2025-10-31'), bar('2025-11-03'));
    expect((await readAll(write('QQQ_d.csv', days))).file.feed.span_ms).toBe(86_400_000);
    const one = await readAll(write('QQQ_one.csv', bars(bar('2025-10-31 09:30:00'))));
    expect(one.file.feed.span_ms).toBe(60_000);
    expect(one.file.findings).toContainEqual({
      severity: 'warning',
      text: 'too few rows to tell the bar length: 60 s is assumed',
    });
  });

  it('rejects a stray row between its bars instead of taking its step for the bar length', async () => {
    const minutes = Array.from({ length: 300 }, (_, i) =>
      bar(
        `2025-10-31 ${String(9 + Math.floor(i / 60)).padStart(2, '0')}:${String(i % 60).padStart(2, '0')}:00`,
      ),
    );
    minutes.splice(10, 0, bar('2025-10-31 09:09:17'));
    const whole = await readAll(write('QQQ_stray.csv', bars(...minutes)));
    expect(whole.file.feed.span_ms).toBe(60_000);
    expect(reasons(whole)).toEqual([
      "QQQ_stray.csv:12: the time does not lie on the raster of the file's bars (60 s)",
    ]);
  });

  it('is the same gzipped, with a byte order mark, with CRLF and without a last line feed', async () => {
    const text = bars(bar('2025-10-31 09:30:00'), bar('2025-10-31 09:31:00'));
    const { ticks } = await readAll(write('QQQ_plain.csv', text));
    const variants = [
      write('QQQ_bom.csv', `\uFEFF${text.replaceAll('\n', '\r\n')}`),
      write('QQQ_gz.csv.gz', gzipSync(text)),
      write('QQQ_cut.csv', text.trimEnd()),
    ];
    for (const path of variants) expect((await readAll(path)).ticks, path).toEqual(ticks);
    const cut = await readAll(variants[2] ?? '');
    expect(cut.file.findings.at(-1)).toEqual({
      severity: 'warning',
      text: 'the last line has no line feed at its end: it may be cut off',
    });
  });

  it('comes in batches of bounded size that count lines and bytes, and can be read twice', async () => {
    const rows = Array.from({ length: 25 }, (_, i) => bar(`2025-10-31 09:${String(i + 10)}:00`));
    const file = await openImport(write('QQQ_25.csv', bars(...rows)), { tsRecv: TS_RECV, batchRows: 10 });
    for (let time = 0; time < 2; time++) {
      const seen: [number, number][] = [];
      for await (const batch of file.batches()) seen.push([batch.ticks.length, batch.lines]);
      expect(seen).toEqual([
        [10, 11],
        [10, 21],
        [5, 26],
      ]);
    }
    const whole = await readAll(file.path);
    expect(whole.bytes).toBe(file.totalBytes);
  });
});

describe('a faulty row of a bars file', () => {
  const GOOD = bar('2025-10-31 09:30:00');
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['a NaN', '2025-10-31 09:31:00,nan,11,9,10,100', /open is not a plain decimal number: "nan"/],
    ['an infinity', '2025-10-31 09:31:00,10,inf,9,10,100', /high is not a plain decimal number: "inf"/],
    ['an empty price', '2025-10-31 09:31:00,10,11,9,,100', /close is empty/],
    ['an empty volume', '2025-10-31 09:31:00,10,11,9,10,', /volume is empty/],
    ['a negative price', '2025-10-31 09:31:00,10,11,-9,10,100', /price is negative: -9.00/],
    ['a zero price', '2025-10-31 09:31:00,10,11,0,10,100', /price is zero/],
    ['a price beyond the column', '2025-10-31 09:31:00,10,300000,9,10,100', /price is above 214748.3647/],
    ['a negative volume', '2025-10-31 09:31:00,10,11,9,10,-1', /volume is negative/],
    ['high below low', '2025-10-31 09:31:00,10,9,11,10,100', /high 9.00 is below low 11.00/],
    ['open outside', '2025-10-31 09:31:00,12,11,9,10,100', /open 12.00 lies outside low 9.00 to high 11.00/],
    ['close outside', '2025-10-31 09:31:00,10,11,9,8.99,100', /close 8.99 lies outside/],
    ['a wrong date', '2025-13-31 09:31:00,10,11,9,10,100', /not a date and time: "2025-13-31 09:31:00"/],
    ['an epoch', '1761917460000,10,11,9,10,100', /count since an epoch/],
    ['no time', ',10,11,9,10,100', /timestamp is empty/],
    ['a field too few', '2025-10-31 09:31:00,10,11,9,10', /5 fields instead of 6: is the line cut off/],
    ['a field too many', '2025-10-31 09:31:00,10,11,9,10,1,2', /7 fields instead of 6/],
    ['an open quote', '2025-10-31 09:31:00,10,11,9,10,"100', /a quote is opened and not closed/],
    ['a contradiction', '2025-10-31 09:30:00,10,11,9,10.5,101', /same time as line 2, other values/],
    ['a step back', '2025-10-31 09:29:00,10,11,9,10.5,100', /time goes backwards \(line 2 is later\)/],
  ];

  it.each(cases)('is rejected with its line and its reason: %s', async (_, row, reason) => {
    const whole = await readAll(write('QQQ_bad.csv', bars(GOOD, row, bar('2025-10-31 09:33:00'))));
    expect(whole.rejected).toHaveLength(1);
    expect(whole.rejected[0]).toMatchObject({ source: 'QQQ_bad.csv', line: 3, raw: row });
    expect(whole.rejected[0]?.reason).toMatch(reason);
    expect(whole.ticks).toHaveLength(2);
  });

  it('is a duplicate, not a fault, where the line repeats the one before', async () => {
    const whole = await readAll(write('QQQ_dup.csv', bars(GOOD, GOOD, GOOD, bar('2025-10-31 09:31:00'))));
    expect([whole.ticks.length, whole.duplicates, whole.rejected.length]).toEqual([2, 2, 0]);
  });

  it('leaves no zero byte in what goes to the database', async () => {
    const whole = await readAll(
      write('QQQ_nul.csv', `${bars(GOOD)}${'x'.repeat(5000)}\n2025-10-31 09:31:00,1\0,2,3,4,5\n`),
    );
    expect(whole.rejected).toHaveLength(2);
    for (const row of whole.rejected) expect(row.raw + row.reason).not.toContain('\0');
    expect(whole.rejected[0]?.raw).toHaveLength(500);
  });
});
