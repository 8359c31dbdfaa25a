// Results of the vendor's REST to rows: recorded payloads, every fault of a field, and what keeps two trades apart.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import { type Page, readAnswer } from '../../../ingest/massive_history/page.ts';
import {
  barRow,
  epochMsText,
  epochNsText,
  quoteMapper,
  tradeMapper,
} from '../../../ingest/massive_history/rows.ts';
import { needsSharedData, sharedData } from '../../harness.ts';
import { at } from '../../sim/sessions.ts';

const RECEIVED = at('2026-01-01 12:00:00');
const SYMBOL = 'QQQ   251006C00600000' as OsiSymbol;
const NS = '1759761000123456789';

function pageOf(text: string): Page {
  const page = readAnswer(text)?.page;
  if (page == null) throw new Error(`no page: ${text.slice(0, 80)}`);
  return page;
}

describe('recorded payloads', () => {
  const MOCKS = ['polygon_massive', 'test_rest', 'mocks'];
  needsSharedData(...MOCKS);
  const recorded = (...path: readonly string[]): Page =>
    pageOf(readFileSync(sharedData(...MOCKS, ...path) ?? '', 'utf8'));

  it('of aggregates keep prices, volume and counts', () => {
    const path = ['v2', 'aggs', 'ticker', 'AAPL', 'range', '1', 'day', '2005-04-01', '2005-04-04.json'];
    const [first] = recorded(...path).results;
    const row = barRow(first, { symbol: 'AAPL', spanMs: 86_400_000, isIndex: false, tsRecv: RECEIVED });
    expect(row).toMatchObject({
      ts_event: at('2005-04-01 00:00:00'),
      open_e4: 15_032,
      high_e4: 15_064,
      low_e4: 14_489,
      close_e4: 14_604,
      vwap_e6: 1_469_000,
      vwap_is_typical: false,
      volume_e6: 642_646_396_000_000,
      trade_count: 82_132,
    });
  });

  it('of quotes keep every digit of the time', () => {
    const folder = sharedData(...MOCKS, 'v3', 'quotes') ?? '';
    const second = readdirSync(folder).find((name) => name.startsWith('AAPL&cursor')) ?? '';
    const [first] = recorded('v3', 'quotes', second).results;
    expect(quoteMapper(SYMBOL)(first, RECEIVED)).toEqual({
      epochNs: '1652191872690386918',
      row: {
        symbol: SYMBOL,
        ts_event: at('2022-05-10 10:11:12.690386'),
        event_ns: 918,
        seq: 19_288_135,
        bid_px_e4: 1_558_600,
        ask_px_e4: 1_558_700,
        bid_sz: 1,
        ask_sz: 2,
        ts_recv: RECEIVED,
      },
    });
  });

  it('of trades that were corrected carry their corrected values', () => {
    const [first] = recorded('v3', 'trades', 'AAPL&limit=2.json').results;
    expect(tradeMapper(SYMBOL)(first, RECEIVED)).toMatchObject({
      epochNs: '1651181822461979400',
      row: { px_e4: 1_564_300, sz: 10, seq: 7_179_341, event_ns: 400, conditions: '12,37' },
    });
  });
});

describe('nanoseconds', () => {
  it('survive wherever their key stands, and nothing else is touched', () => {
    const text = `{"results":[{"sip_timestamp":${NS},"participant_timestamp" : ${NS},"id":"\\"sip_timestamp\\":1759761000123456789","size":1}]}`;
    expect(pageOf(text).results).toEqual([
      { sip_timestamp: NS, participant_timestamp: NS, id: '"sip_timestamp":1759761000123456789', size: 1 },
    ]);
  });

  it.each([
    ['a float', '1.759761000123456789e18'],
    ['milliseconds', '1759761000123'],
    ['microseconds', '1759761000123456'],
    ['a negative number', '-1759761000123456789'],
    ['twenty digits', '17597610001234567890'],
    ['null', 'null'],
    ['a date', '"2025-10-06T14:30:00Z"'],
  ])('that are %s are no time', (_, text) => {
    const [result] = pageOf(`{"results":[{"sip_timestamp":${text},"price":1,"size":1}]}`).results;
    expect(tradeMapper(SYMBOL)(result, RECEIVED)).toBe('sip_timestamp is no time in nanoseconds');
  });
});

describe('bodies', () => {
  it.each([
    '',
    '<html></html>',
    '{"results":[{"t":1',
    '7',
    'null',
    '[1]',
    '{"results":7}',
    '{"results":[],"next_url":7}',
  ])('%j is no page', (text) => {
    expect(readAnswer(text)).toBeNull();
  });

  it('may be delayed, and may leave empty results out', () => {
    expect(pageOf('{"status":"DELAYED","resultsCount":0}')).toEqual({ results: [], nextUrl: null });
    expect(pageOf('{"status":"OK","results":null,"next_url":null}')).toEqual({ results: [], nextUrl: null });
  });
});

describe('bars', () => {
  const of = { symbol: 'QQQ', spanMs: 60_000, isIndex: false, tsRecv: RECEIVED };
  const bar = {
    t: 1_759_757_400_000,
    o: 600.1,
    h: 600.2,
    l: 600,
    c: 600.15,
    v: 1.029145e6,
    vw: 600.1234,
    n: 6966,
  };

  it('take volumes in exponents and fractions', () => {
    expect(barRow(bar, of)).toMatchObject({
      ts_event: at('2025-10-06 09:30:00'),
      volume_e6: 1_029_145_000_000,
    });
    expect(barRow({ ...bar, v: 0.5 }, of)).toMatchObject({ volume_e6: 500_000 });
  });

  it('without vw or n say so', () => {
    const { vw: _, n: __, ...bare } = bar;
    expect(barRow(bare, of)).toMatchObject({
      vwap_is_typical: true,
      vwap_e6: 600_116_667,
      trade_count: null,
    });
  });

  it.each([
    [{ t: bar.t + 1 }, 't is no whole number of spans (60000 ms)'],
    [{ t: '1759757400000' }, 's or e is no time in milliseconds'],
    [{ t: 1_759_757_400 }, 's or e is no time in milliseconds'],
    [{ h: 600.05 }, 'h and l do not enclose o and c'],
    [{ o: 0 }, 'o, h, l or c is no price'],
    [{ c: 1e308 }, 'o, h, l or c is no price'],
    [{ v: -1 }, 'dv or v is no volume'],
    [{ v: null }, 'dv or v is no volume'],
    [{ vw: 'much' }, 'vw is no price'],
  ])('%j is none', (change, reason) => {
    expect(barRow({ ...bar, ...change }, of)).toBe(reason);
  });

  it.each([7, null, [], 'bar'])('%j is none', (value) => {
    expect(barRow(value, of)).toBe('not an object');
  });
});

describe('trades without a sequence', () => {
  const results = [
    '1759761000123456001',
    '1759761000123456002',
    '1759761000123457000',
    '1759761000123457001',
  ];

  it('are told apart by their order in a microsecond, cancelled ones counted', () => {
    const map = tradeMapper(SYMBOL);
    const mapped = results.map((sip_timestamp, i) =>
      map({ sip_timestamp, price: 1.5, size: 2, ...(i === 2 ? { correction: 8 } : {}) }, RECEIVED),
    );
    expect(mapped.map((each) => (typeof each === 'string' ? each : each.row.seq))).toEqual([
      0,
      1,
      'the vendor cancelled or corrected this trade (correction 8)',
      1,
    ]);
  });
});

describe('quotes', () => {
  const quote = {
    sip_timestamp: NS,
    sequence_number: 5,
    bid_price: 1.2,
    bid_size: 3,
    ask_price: 1.25,
    ask_size: 4,
  };

  it.each([
    [
      { bid_price: 0, bid_size: 0 },
      { bid_px_e4: null, bid_sz: null, ask_px_e4: 12_500 },
    ],
    [
      { ask_price: undefined, ask_size: undefined },
      { bid_px_e4: 12_000, ask_px_e4: null, ask_sz: null },
    ],
  ])('%j have one side', (change, expected) => {
    expect(quoteMapper(SYMBOL)({ ...quote, ...change }, RECEIVED)).toMatchObject({ row: expected });
  });

  it('without a sequence are told apart by their order in a microsecond', () => {
    const map = quoteMapper(SYMBOL);
    const { sequence_number: _, ...bare } = quote;
    const seqs = [bare, bare, { ...bare, sip_timestamp: '1759761000123457000' }].map((each) =>
      map(each, RECEIVED),
    );
    expect(seqs).toMatchObject([{ row: { seq: 0 } }, { row: { seq: 1 } }, { row: { seq: 0 } }]);
  });

  it.each([
    [{ sequence_number: 'x' }, 'q is no sequence number'],
    [{ bid_price: -1 }, 'bp or bs is no price or size'],
    [{ ask_size: 1.5 }, 'ap or as is no price or size'],
    [{ ask_price: '1.25' }, 'ap or as is no price or size'],
  ])('%j is none', (change, reason) => {
    expect(quoteMapper(SYMBOL)({ ...quote, ...change }, RECEIVED)).toBe(reason);
  });
});

describe('times of queries', () => {
  it('are those of the session, in summer and in winter', () => {
    expect(epochMsText(at('2025-10-06 09:30:00'))).toBe(String(Date.parse('2025-10-06T13:30:00Z')));
    expect(epochMsText(at('2025-11-28 09:30:00'))).toBe(String(Date.parse('2025-11-28T14:30:00Z')));
  });

  it('keep every microsecond', () => {
    expect(epochNsText(at('2025-10-06 10:30:00.123457'))).toBe('1759761000123457000');
    expect(epochNsText(at('2025-10-06 10:30:00.999999'))).toBe('1759761000999999000');
  });
});
