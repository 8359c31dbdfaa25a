import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { easternFromEpochMs } from '../../../core/eastern_time.ts';
import { mapFrame } from '../../../ingest/massive/mapper.ts';
import { eastern, fixture, readAll, reasons, scratchFolder, TS_RECV } from './support.ts';

const write = scratchFolder();
const CALL = 'QQQ   251031C00400000';

describe('a Massive flat file', () => {
  it('of stock trades gives prints to the nanosecond, keyed by the vendor sequence', async () => {
    const { file, ticks, setAside } = await readAll(fixture('stock_trades.csv'));
    expect(file.feed).toEqual({ name: 'massive-trades', kind: 'equity', span_ms: 0, source: 'recorded' });
    expect(ticks.map(({ symbol, seq, volume_e6 }) => [symbol, seq, volume_e6])).toEqual([
      ['QQQ', 100, 10_000_000],
      ['QQQ', 101, 250_000],
      ['SPY', 7, 1_000_000],
    ]);
    expect(ticks[1]).toMatchObject({
      ts_event: eastern('2025-10-31 09:30:00.000001'),
      event_ns: 234,
      close_e4: 4_001_235,
      vwap_e6: 400_123_457,
      vwap_is_typical: false,
    });
    expect(setAside.map(({ line, reason }) => [line, reason])).toEqual([
      [4, 'set aside: volume was reported before (condition 15, Market Center Official Close)'],
      [5, 'the vendor cancelled or corrected this trade (correction 8)'],
    ]);
  });

  it('of option trades tells prints of one microsecond apart by their order', async () => {
    const { file, trades } = await readAll(fixture('option_trades.csv'));
    expect([file.feed.name, file.instrumentKind]).toEqual(['massive-option-trades', 'option']);
    expect(trades.map(({ symbol, seq, event_ns }) => [symbol, seq, event_ns])).toEqual([
      [CALL, 0, 234],
      [CALL, 1, 234],
      [CALL, 2, 900],
      ['QQQ   251031P00400000', 0, 234],
      ['SPXW  251031P06000000', 0, 234],
    ]);
    expect(trades[4]).toMatchObject({ px_e4: 55_000, sz: 4, conditions: null });
    expect(trades[0]?.conditions).toBe('232');
  });

  it('of option quotes gives both sides, an absent one as null, on both sides of a clock change', async () => {
    const { file, quotes, duplicates } = await readAll(fixture('option_quotes.csv'));
    expect(file.feed).toMatchObject({ name: 'massive-quotes', kind: 'option', span_ms: 0 });
    expect(duplicates).toBe(1);
    expect(quotes[0]).toEqual({
      symbol: CALL,
      ts_event: eastern('2025-10-31 09:30:00.000001'),
      event_ns: 234,
      seq: 1_446_504,
      bid_px_e4: 21_300,
      ask_px_e4: 21_500,
      bid_sz: 40,
      ask_sz: 12,
      ts_recv: TS_RECV,
    });
    expect(quotes[2]).toMatchObject({
      ts_event: eastern('2025-11-03 09:30:00'),
      bid_px_e4: 100,
      ask_px_e4: null,
      ask_sz: null,
    });
    expect(quotes[3]).toMatchObject({ symbol: 'SPXW  251031P06000000', bid_px_e4: null, bid_sz: null });
  });

  it('of stock minutes and days gives aggregates with the typical price', async () => {
    const minutes = await readAll(fixture('stock_minutes.csv'));
    expect(minutes.file.feed).toMatchObject({ name: 'massive-minute', span_ms: 60_000 });
    expect(minutes.ticks[0]).toMatchObject({
      ts_event: eastern('2025-10-31 09:30:00'),
      volume_e6: 1_000_500_000,
      trade_count: 12,
      vwap_e6: 400_166_667,
      vwap_is_typical: true,
    });
    expect(minutes.ticks[2]?.symbol).toBe('BRK.A');
    const days = await readAll(fixture('stock_days.csv'));
    expect(days.file.feed).toMatchObject({ name: 'massive-day', span_ms: 86_400_000 });
    expect(days.ticks[0]?.ts_event).toBe(eastern('2025-10-31'));
  });

  it('of option minutes gives a print at the end of the minute, not before', async () => {
    const { file, trades } = await readAll(fixture('option_minutes.csv'));
    expect(file.feed).toMatchObject({ name: 'massive-option-minute', kind: 'option', span_ms: 60_000 });
    expect(trades).toMatchObject([{ ts_event: eastern('2025-10-31 09:31:00'), px_e4: 22_000, sz: 3 }]);
    expect(file.findings.map(({ text }) => text).join()).toMatch(/one print at the end of its span/);
  });

  it('of stock quotes is refused, because no table holds them', async () => {
    await expect(readAll(fixture('stock_quotes.csv'))).rejects.toThrow(
      /quotes of stocks, which are not stored/,
    );
  });

  it('is the same gzipped, and cut down to one underlying', async () => {
    const text = readFileSync(fixture('option_quotes.csv'));
    const { quotes } = await readAll(fixture('option_quotes.csv'));
    const path = write('2025-10-31.csv.gz', gzipSync(text));
    expect((await readAll(path)).quotes).toEqual(quotes);
    const spx = await readAll(path, { symbol: 'SPX' });
    expect(spx.quotes).toEqual(quotes.slice(3));
    expect((await readAll(path, { symbol: 'spxw' })).quotes).toEqual(quotes.slice(3));
    await expect(readAll(path, { symbol: 'IWM' })).rejects.toThrow(/holds no row of IWM/);
    expect((await readAll(fixture('stock_trades.csv'), { symbol: 'SPY' })).ticks).toHaveLength(1);
  });

  it('sets aside the prints that the live stream sets aside, and no others', async () => {
    const header = 'ticker,conditions,correction,price,sequence_number,sip_timestamp,size';
    // Average price, derivatively priced, regular with an odd lot, prior reference among others, out of sequence, none.
    const codes = ['2', '10', '"12,37"', '"14,22,41"', '33', ''];
    const rows = codes.map((code, n) => `QQQ,${code},0,400.1,${n},17619174000000${n}1234,10`);
    const { ticks, setAside } = await readAll(write('conditions.csv', `${[header, ...rows].join('\n')}\n`));
    expect(ticks.map(({ seq }) => seq)).toEqual([2, 5]);
    expect(setAside.map(({ reason }) => /condition (\d+)/.exec(reason)?.[1])).toEqual([
      '2',
      '10',
      '22',
      '33',
    ]);
    const frames = codes.map((code, q) => {
      const c = code.replaceAll('"', '').split(',').filter(Boolean).map(Number);
      return { ev: 'T', sym: 'QQQ', p: 400.1, s: 10, c, t: 1_761_917_400_000 + q, q };
    });
    const live = mapFrame(JSON.stringify(frames), easternFromEpochMs(1_761_917_400_500));
    expect(live.ticks.map(({ seq }) => seq)).toEqual([2, 5]);
  });

  it('keeps one order for a ticker that comes back later', async () => {
    const row = (ticker: string): string => `O:${ticker},,0,1,2,1761917400000001234,1`;
    const text = [
      'ticker,conditions,correction,exchange,price,sip_timestamp,size',
      row('QQQ251031C00400000'),
      row('QQQ251031P00400000'),
      row('QQQ251031C00400000'),
      '',
    ].join('\n');
    expect((await readAll(write('again.csv', text))).trades.map(({ seq }) => seq)).toEqual([0, 0, 1]);
  });
});

describe('a faulty row of a Massive flat file', () => {
  const QUOTES =
    'ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,sequence_number,sip_timestamp';
  const TICKER = 'O:QQQ251031C00400000';
  const quote = (rest: string): string => `${TICKER},${rest}`;
  const GOOD = quote('1,2.15,12,1,2.13,40,5,1761917400000001234');

  it.each([
    [
      'crossed',
      quote('1,2.13,12,1,2.15,40,6,1761917400000001234'),
      /crossed quote: bid 2.15 is above ask 2.13/,
    ],
    ['negative', quote('1,-2.13,12,1,2.1,40,6,1761917400000001234'), /price is negative: -2.13/],
    ['not a number', quote('1,nan,12,1,2.1,40,6,1761917400000001234'), /ask_price is not a plain decimal/],
    ['a broken size', quote('1,2.2,1.5,1,2.1,40,6,1761917400000001234'), /ask_size is not a plain decimal/],
    [
      'a negative size',
      quote('1,2.2,-1,1,2.1,40,6,1761917400000001234'),
      /size or the sequence_number is negative/,
    ],
    ['no sequence', quote('1,2.2,1,1,2.1,40,,1761917400000001234'), /sequence_number is empty/],
    ['milliseconds', quote('1,2.2,1,1,2.1,40,6,1761917400000'), /sip_timestamp .*19 digits of nanoseconds/],
    ['another ticker', 'QQQ,1,2.2,1,1,2.1,40,6,1761917400000001234', /not an option's ticker: "QQQ"/],
    ['cut off', quote('1,2.2,1,1'), /5 fields instead of 9/],
    [
      'contradiction',
      quote('1,2.16,12,1,2.13,40,5,1761917400000001234'),
      /same time and sequence_number as line 2/,
    ],
  ])('of quotes is rejected with its reason: %s', async (_, row, reason) => {
    const whole = await readAll(write('quotes.csv', [QUOTES, GOOD, row, ''].join('\n')));
    expect(whole.quotes).toHaveLength(1);
    expect(whole.rejected[0]).toMatchObject({ source: 'quotes.csv', line: 3, raw: row });
    expect(whole.rejected[0]?.reason).toMatch(reason);
  });

  it('is not one that only stands out of order, where the vendor numbers its rows: that is a warning', async () => {
    const early = quote('1,2.16,12,1,2.13,40,4,1761917399000001234');
    const whole = await readAll(write('quotes.csv', [QUOTES, GOOD, early, ''].join('\n')));
    expect(whole.quotes).toHaveLength(2);
    expect(whole.file.findings.at(-1)).toMatchObject({ severity: 'warning' });
    expect(whole.file.findings.at(-1)?.text).toMatch(
      /^1 rows stand after a later one of their ticker \(first: quotes.csv:3\)/,
    );
  });

  it('of trades and aggregates is rejected with its reason', async () => {
    const trades = await readAll(
      write(
        'trades.csv',
        [
          'ticker,conditions,correction,exchange,price,sip_timestamp,size',
          `${TICKER},1,0,1,2,1761917400000001234,1`,
          `${TICKER},1,0,1,2,1761917399000001234,1`,
          `${TICKER},1,0,1,0,1761917401000001234,1`,
          `${TICKER},1,0,1,2,1761917401000001234,1.5`,
          `${TICKER},1,0,1,2,1761917402000001234,-1`,
          '',
        ].join('\n'),
      ),
    );
    expect(reasons(trades)).toEqual([
      'trades.csv:3: time goes backwards (line 2 is later): sort the file by ticker and time',
      'trades.csv:4: price is zero',
      'trades.csv:5: size is not a plain decimal number: "1.5"',
      'trades.csv:6: size is negative',
    ]);
    const minutes = await readAll(
      write(
        'minutes.csv',
        [
          'ticker,volume,open,close,high,low,window_start,transactions',
          'QQQ,1,400,400,401,399,1761917400000000000,1',
          'QQQ,1,400,400,399,401,1761917460000000000,1',
          'QQQ,1,400,400,401,399,1761917461000000000,1',
          'QQQ,1,400,400,401,399,1761917400000000000,2',
          'QQQ,,400,400,401,399,1761917520000000000,2',
          '',
        ].join('\n'),
      ),
    );
    expect(reasons(minutes)).toEqual([
      'minutes.csv:3: high 399.00 is below low 401.00',
      'minutes.csv:4: window_start is no whole number of spans (60 s) after midnight',
      'minutes.csv:5: same time as line 2, other values',
      'minutes.csv:6: volume is empty',
    ]);
  });

  it('is never read under a header with an unknown column', async () => {
    const path = write('odd.csv', `${QUOTES},decimal_size\n${GOOD},1\n`);
    await expect(readAll(path)).rejects.toThrow(/odd\.csv:1: unknown column "decimal_size"/);
  });
});
