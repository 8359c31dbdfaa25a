import { describe, expect, it } from 'vitest';
import { eastern, readAll, reasons, scratchFolder, zipOf } from './support.ts';

const write = scratchFolder();
const lean = (entries: Readonly<Record<string, string>>): string => write('day.zip', zipOf(entries));

describe('a LEAN zip', () => {
  it('of equity minutes and seconds gives aggregates timed by their start', async () => {
    const minute = await readAll(
      lean({ '20131007_spy_minute_trade.csv': '34200000,1676900,1677000,1676800,1676950,1200\n' }),
    );
    expect(minute.file.feed).toEqual({
      name: 'lean-minute',
      kind: 'equity',
      span_ms: 60_000,
      source: 'recorded',
    });
    expect(minute.ticks).toMatchObject([
      {
        symbol: 'SPY',
        ts_event: eastern('2013-10-07 09:30:00'),
        open_e4: 1_676_900,
        close_e4: 1_676_950,
        vwap_e6: 167_691_667,
        vwap_is_typical: true,
        volume_e6: 1_200_000_000,
        trade_count: null,
      },
    ]);
    const second = await readAll(lean({ '20131007_spy_second_trade.csv': '34201000,1,1,1,1,5' }));
    expect(second.file.feed).toMatchObject({ name: 'lean-second', span_ms: 1_000 });
  });

  it('of ticks gives every print, equal ones too, and sets suspicious and official ones aside', async () => {
    const rows = [
      '34200000,1676900,100,P,1,0',
      '34200000,1676900,100,P,1,0',
      '34200000,9999900,100,P,1,1',
      '34200000,1676900,7,Q,80000000,0',
      '34200000.367,1676900,7,Q,80000000,0',
      '57600735,1674200,3166418,P,1000001,0',
      '',
    ];
    const whole = await readAll(lean({ '20131007_spy_Trade_Tick.csv': rows.join('\n') }));
    expect(whole.file.feed).toMatchObject({ name: 'lean-tick', span_ms: 0 });
    expect(whole.ticks.map(({ ts_event, seq }) => [ts_event, seq])).toEqual([
      [eastern('2013-10-07 09:30:00'), 0],
      [eastern('2013-10-07 09:30:00'), 1],
      [eastern('2013-10-07 09:30:00'), 3],
      [eastern('2013-10-07 09:30:00.000367'), 0],
    ]);
    expect([whole.duplicates, whole.rejected.length]).toEqual([0, 0]);
    expect(whole.setAside).toMatchObject([
      {
        source: 'day.zip/20131007_spy_Trade_Tick.csv',
        line: 3,
        reason: 'the vendor marks this print as suspicious',
      },
      { line: 6, reason: 'repeats volume already reported (official open or close)' },
    ]);
  });

  it('of option quotes gives the close of each side at the END of its minute', async () => {
    const whole = await readAll(
      lean({
        '20210104_spxw_minute_quote_european_call_37000000_20210104.csv':
          '34200000,651000,671000,635000,649000,48,692000,707000,674000,679000,15\n',
        '20210104_spxw_minute_quote_european_put_38000000_20210106.csv':
          '34200000,1,2,1,2000,3,1,2,1,1000,4\n',
      }),
    );
    expect(whole.file.feed).toMatchObject({ name: 'lean-quote-minute', kind: 'option', span_ms: 60_000 });
    expect([whole.file.symbol, whole.file.instrumentKind]).toEqual(['SPX', 'option']);
    expect(whole.quotes).toMatchObject([
      {
        symbol: 'SPXW  210104C03700000',
        ts_event: eastern('2021-01-04 09:31:00'),
        bid_px_e4: 649_000,
        ask_px_e4: 679_000,
        bid_sz: 48,
        ask_sz: 15,
      },
    ]);
    expect(whole.setAside[0]?.reason).toBe('crossed quote: bid 0.20 is above ask 0.10');
    expect(whole.lines).toBe(2);
    expect(whole.bytes).toBe(whole.file.totalBytes);
  });

  it('of option quotes carries a side that did not change, which LEAN leaves empty, and knows of none before its first', async () => {
    // As in LEAN's own TWX of 2014-06-06; the second contract as in its SPX of 2021-01-04.
    const { quotes, setAside } = await readAll(
      lean({
        '20140606_twx_minute_quote_american_call_1000000_20160115.csv': [
          '34320000,5200,5200,5200,5200,321,10000,10000,10000,10000,225',
          '34380000,5200,5200,5200,5200,320,,,,,0',
          '34680000,,,,,0,9900,10000,9900,9900,169',
          '34740000,,,,,0,,,,,0',
          '34800000,0,0,0,0,0,,,,,0',
          '34860000,,,,,0,9800,9800,9800,9800,9',
          '',
        ].join('\n'),
        '20140606_twx_minute_quote_american_put_300000_20160115.csv':
          '34320000,,,,,0,100,100,100,100,7\n34380000,50,50,50,50,3,,,,,0\n',
      }),
    );
    expect(setAside).toEqual([]);
    const sides = quotes.map(({ bid_px_e4, bid_sz, ask_px_e4, ask_sz }) => [
      bid_px_e4,
      bid_sz,
      ask_px_e4,
      ask_sz,
    ]);
    expect(sides).toEqual([
      [5200, 321, 10_000, 225],
      [5200, 320, 10_000, 225],
      [5200, 320, 9900, 169],
      [5200, 320, 9900, 169],
      [null, null, 9900, 169],
      [null, null, 9800, 9],
      [null, null, 100, 7],
      [50, 3, 100, 7],
    ]);
  });

  it('of option trades gives a print at the end of the minute', async () => {
    const name = '20230803_spy_minute_trade_american_call_4300000_20230901.csv';
    const { file, trades } = await readAll(lean({ [name]: '37380000,223300,223400,223200,223300,7\n' }));
    expect(file.feed).toMatchObject({ name: 'lean-option-minute', kind: 'option' });
    expect(trades).toMatchObject([
      { symbol: 'SPY   230901C00430000', ts_event: eastern('2023-08-03 10:24:00'), px_e4: 223_300, sz: 7 },
    ]);
  });

  it('of an index is in dollars and in Chicago time', async () => {
    const { file, ticks } = await readAll(
      lean({ '20210104_spx_minute_trade.csv': '30600000,3764.61,3769.99,3764.61,3766.63,59\n' }),
    );
    expect([file.instrumentKind, file.feed.name]).toEqual(['index', 'lean-minute']);
    expect(ticks).toMatchObject([
      { symbol: 'SPX', ts_event: eastern('2021-01-04 09:30:00'), open_e4: 37_646_100 },
    ]);
  });

  it.each([
    [
      'open interest',
      '20210104_spx_minute_openinterest_european_call_32000000_20210115.csv',
      /open interest, which is not imported/,
    ],
    ['equity quotes', '20131007_spy_second_quote.csv', /quotes of an equity, which are not stored/],
    ['equity quote ticks', '20131007_spy_Quote_Tick.csv', /quotes of an equity, which are not stored/],
    ['daily bars', 'spy.csv', /spy\.csv is not a name that LEAN gives/],
    ['an impossible date', '20131332_spy_minute_trade.csv', /is not a name that LEAN gives/],
    [
      'a strike of zero',
      '20210104_spx_minute_quote_european_call_0_20210115.csv',
      /does not name an option contract/,
    ],
  ])('of %s is refused in words', async (_, name, message) => {
    await expect(readAll(lean({ [name]: '34200000,1,1,1,1,1\n' }))).rejects.toThrow(message);
  });

  it('is refused where its entries disagree, or where it is not of the symbol asked for', async () => {
    const mixed = lean({
      '20131007_spy_minute_trade.csv': '34200000,1,1,1,1,1\n',
      '20131008_spy_minute_trade.csv': '34200000,1,1,1,1,1\n',
    });
    await expect(readAll(mixed)).rejects.toThrow(/mixes data of several kinds/);
    const spy = lean({ '20131007_spy_minute_trade.csv': '34200000,1,1,1,1,1\n' });
    await expect(readAll(spy, { symbol: 'QQQ' })).rejects.toThrow(/holds SPY, not QQQ/);
    expect((await readAll(spy, { symbol: 'spy' })).ticks).toHaveLength(1);
  });

  it('is refused where it is truncated, damaged or empty', async () => {
    const rows = Array.from(
      { length: 2000 },
      (_, i) => `${34_200_000 + i * 1000},1,1,1,1,${(i * 7919) % 1013}\n`,
    ).join('');
    const zip = zipOf({ '20131007_spy_second_trade.csv': rows });
    for (const cut of [2, 30, zip.length / 2, zip.length - 1]) {
      const path = write('cut.zip', zip.subarray(0, cut));
      await expect(readAll(path), `cut after ${cut}`).rejects.toThrow(/cannot be read as a zip archive/);
    }
    const stored = Buffer.from(zip);
    // The checksum in the directory: the data inflate well and are not what was packed.
    const directory = stored.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
    stored.writeUInt32LE(12345, directory + 16);
    await expect(readAll(write('crc.zip', stored))).rejects.toThrow(/its checksum does not fit/);
    await expect(readAll(lean({ '20131007_spy_second_trade.csv': '' }))).rejects.toThrow(/holds no rows/);
    await expect(readAll(lean({}))).rejects.toThrow(/holds no/);
  });

  it('has its faulty rows rejected with entry, line and reason', async () => {
    const rows = [
      '34200000,10,11,9,10,1',
      '34200000,10,11,9,10,1',
      '34200000,10,11,9,10,2',
      '34140000,10,11,9,10,1',
      '34260500,10,11,9,10,1',
      '86400000,10,11,9,10,1',
      '34260000,10,9,11,10,1',
      '34260000,10,11,9,,1',
      '34260000,10,11,9,10',
      '34260000,10,11,-9,10,1',
      '',
    ];
    const whole = await readAll(lean({ '20131007_spy_minute_trade.csv': rows.join('\n') }));
    const at = 'day.zip/20131007_spy_minute_trade.csv';
    expect([whole.ticks.length, whole.duplicates]).toEqual([1, 1]);
    expect(reasons(whole)).toEqual([
      `${at}:3: same time as line 1, other values`,
      `${at}:4: time goes backwards (line 1 is later): sort the file by time`,
      `${at}:5: time is not a whole number of spans (60 s) after midnight`,
      `${at}:6: time is not within a day: 86400000 ms`,
      `${at}:7: high 0.0009 is below low 0.0011`,
      `${at}:8: close is empty`,
      `${at}:9: 5 fields instead of 6: is the line cut off?`,
      `${at}:10: price is negative: -0.0009`,
    ]);
  });
});
