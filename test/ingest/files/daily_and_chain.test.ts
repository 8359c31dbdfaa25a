import { describe, expect, it } from 'vitest';
import { eastern, fixture, readAll, reasons, scratchFolder } from './support.ts';

const write = scratchFolder();

describe('a Cboe index history', () => {
  it('gives one row a day, timed by its midnight', async () => {
    const { file, ticks } = await readAll(fixture('VIX_History.csv'));
    expect([file.symbol, file.instrumentKind, file.feed.name]).toEqual(['VIX', 'index', 'cboe-daily']);
    expect(ticks[0]).toMatchObject({
      symbol: 'VIX',
      ts_event: eastern('2025-01-02'),
      span_ms: 86_400_000,
      open_e4: 172_400,
      close_e4: 175_000,
      vwap_is_typical: true,
      volume_e6: 0,
      trade_count: null,
    });
  });

  it('keeps a day whose open lies outside its range, and says so', async () => {
    const { file, ticks, rejected } = await readAll(fixture('VIX_History.csv'));
    expect(ticks[2]).toMatchObject({ open_e4: 200_000, high_e4: 176_000 });
    expect(rejected).toEqual([]);
    expect(file.findings.at(-1)?.text).toMatch(
      /^1 days have an open outside low to high \(first: VIX_History.csv:4\)/,
    );
  });

  it('may have one value a day, named in its header', async () => {
    const { file, ticks } = await readAll(fixture('VVIX_History.csv'));
    expect(file.symbol).toBe('VVIX');
    expect(ticks.map((tick) => tick.close_e4)).toEqual([1_002_500, 995_000]);
    expect(ticks[1]).toMatchObject({ open_e4: 995_000, vwap_e6: 99_500_000 });
  });

  it('rejects faulty days', async () => {
    const text = [
      'DATE,OPEN,HIGH,LOW,CLOSE',
      '2025-01-02,17,18,16,17',
      '02/30/2025,17,18,16,17',
      '03/03/2025,17,16,18,17',
      '03/04/2025,17,18,16,nan',
      '03/05/2025,17,18,16,17',
      '03/05/2025,17,18,16,17.1',
      '03/04/2025,17,18,16,17',
      '',
    ].join('\n');
    const whole = await readAll(write('VIX_bad.csv', text));
    expect(whole.ticks).toHaveLength(1);
    expect(reasons(whole)).toEqual([
      'VIX_bad.csv:2: the date is not MM/DD/YYYY',
      'VIX_bad.csv:3: the date is not MM/DD/YYYY',
      'VIX_bad.csv:4: high 16.00 is below low 18.00',
      'VIX_bad.csv:5: close is not a plain decimal number: "nan"',
      'VIX_bad.csv:7: same time as line 6, other values',
      'VIX_bad.csv:8: time goes backwards (line 6 is later): sort the file by time',
    ]);
  });

  it('needs a name', async () => {
    const path = write('history.csv', 'DATE,OPEN,HIGH,LOW,CLOSE\n01/02/2025,1,1,1,1\n');
    await expect(readAll(path)).rejects.toThrow(/neither its name nor its header names an index/);
    expect((await readAll(path, { symbol: 'vix' })).file.symbol).toBe('VIX');
  });
});

describe('a Yahoo chain', () => {
  it('is one snapshot at its latest trade, in Eastern time', async () => {
    const { file, chains, setAside, rejected } = await readAll(fixture('yahoo_chain.csv'));
    expect(file.feed).toMatchObject({ name: 'yahoo-chain', kind: 'chain' });
    expect([file.symbol, rejected]).toEqual(['QQQ', []]);
    expect(chains).toHaveLength(1);
    expect(chains[0]).toMatchObject({
      underlying: 'QQQ',
      ts_event: eastern('2025-10-31 11:10:00'),
      underlying_px_e4: 4_006_100,
    });
    expect(chains[0]?.options).toEqual([
      {
        symbol: 'QQQ   251031C00400000',
        bid_px_e4: 14_500,
        ask_px_e4: 15_500,
        last_px_e4: 15_000,
        volume: 37,
        open_interest: 12,
        implied_volatility: 0.25,
      },
      {
        symbol: 'QQQ   251031P00400000',
        bid_px_e4: null,
        ask_px_e4: 500,
        last_px_e4: null,
        volume: null,
        open_interest: null,
        implied_volatility: null,
      },
    ]);
    expect(setAside.map(({ line, reason }) => [line, reason])).toEqual([
      [4, 'crossed quote: bid is above ask'],
    ]);
  });

  it('is timed by --at where that is given', async () => {
    const at = eastern('2025-10-31 11:15:00');
    expect((await readAll(fixture('yahoo_chain.csv'), { at })).chains[0]?.ts_event).toBe(at);
    await expect(readAll(fixture('yahoo_chain.csv'), { symbol: 'SPY' })).rejects.toThrow(
      /chain of QQQ, not of SPY/,
    );
  });

  it('rejects contracts that contradict themselves or each other', async () => {
    const head =
      'contractSymbol,lastTradeDate,strike,lastPrice,bid,ask,volume,openInterest,impliedVolatility,optionType,expirationDate';
    const row = (symbol: string, rest: string): string => `${symbol},2025-10-31 14:55:42+00:00,${rest}`;
    const text = [
      head,
      row('QQQ251031C00400000', '400,1,1,2,1,1,0.2,call,2025-10-31'),
      row('QQQ251031C00400000', '400,1,1,2,1,1,0.2,call,2025-10-31'),
      row('QQQ251031C00400000', '400,1,1,3,1,1,0.2,call,2025-10-31'),
      row('QQQ251031C00401000', '400,1,1,2,1,1,0.2,call,2025-10-31'),
      row('QQQ251031C00401000', '401,1,1,2,1,1,0.2,put,2025-10-31'),
      row('QQQ251031C00401000', '401,1,1,2,1,1,0.2,call,2025-11-01'),
      row('SPY251031C00401000', '401,1,1,2,1,1,0.2,call,2025-10-31'),
      row('QQQ251031C00401000', '401,1,-1,2,1,1,0.2,call,2025-10-31'),
      row('QQQ251031C00401000', '401,1,1,nan,1,1,0.2,call,2025-10-31'),
      'QQQ251031C00402000,yesterday,402,1,1,2,1,1,0.2,call,2025-10-31',
      'QQQ,2025-10-31 14:55:42+00:00,402,1,1,2,1,1,0.2,call,2025-10-31',
      '',
    ].join('\n');
    const whole = await readAll(write('chain.csv', text));
    expect(whole.chains[0]?.options).toHaveLength(1);
    expect(whole.duplicates).toBe(1);
    expect(reasons(whole)).toEqual([
      'chain.csv:4: same contract as line 2, other values',
      'chain.csv:5: strike is not that of contractSymbol',
      'chain.csv:6: optionType is not that of contractSymbol',
      'chain.csv:7: expirationDate is not that of contractSymbol',
      'chain.csv:8: a contract of SPY in a chain of QQQ',
      'chain.csv:9: bid is negative',
      'chain.csv:10: ask is not a plain decimal number: "nan"',
      'chain.csv:11: lastTradeDate is not YYYY-MM-DD HH:MM:SS+00:00',
      'chain.csv:12: contractSymbol is no option symbol',
    ]);
  });
});
