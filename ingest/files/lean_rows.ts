// Rows of LEAN's minute, second and tick files: prices in 1/10,000 dollar, times in milliseconds since midnight.
import { formatScaled } from '../../core/decimal.ts';
import type { EquityTick } from '../../core/domain.ts';
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { hasFields, reject } from './csv_batches.ts';
import type { ImportBatch } from './import_file.ts';
import { fieldEmpty, fieldScaled, fieldText, fieldWhole, numberFault, type Row, rejection } from './lines.ts';
import { MAX_INTEGER, type Ohlc, ohlcFault, priceFault, readOhlc, typicalPriceE6 } from './ohlc.ts';
import { judgeByTime, type LastRow, nextOrdinal, remember, verdictReason } from './order_watch.ts';
import type { ToEastern } from './zone.ts';

const DAY_US = 86_400_000_000;

/**
 * TradeConditionFlags of an exchange's official open (0x4000000) and close (0x1000000): they repeat the volume of the cross,
 * 3 million shares at SPY's close of 2013-10-07, and LEAN's own bars leave them out.
 */
const OFFICIAL_PRICE = 0x5000000;

/** One entry of an archive: a symbol, a day, and how its rows are to be read. */
export interface LeanEntry {
  readonly symbol: string;
  /** Midnight of the file's date by the file's own clock. */
  readonly midnightUs: number;
  readonly toEastern: ToEastern;
  /** 0 for ticks. */
  readonly spanMs: number;
  /** Decimal places between the file's prices and 1/10,000 dollar: 4 for indexes (dollars), else 0. */
  readonly priceScale: 0 | 4;
  readonly tsRecv: EasternUs;
  readonly last: LastRow;
  /** Of quotes: what stood on each side at the end of the last row. */
  bid: Side;
  ask: Side;
}

export interface Side {
  readonly px_e4: number | null;
  readonly sz: number | null;
}

/** Nobody on this side. */
export const NO_SIDE: Side = { px_e4: null, sz: null };

export type TakeLeanRow = (row: Row, batch: ImportBatch, entry: LeanEntry) => void;

/** `ms,open,high,low,close,volume` of an equity or index: a tick timed by the start of its span. */
export const takeTradeBar: TakeLeanRow = (row, batch, entry) => {
  const bar = readTradeBar(row, batch, entry);
  if (bar === null) return;
  const { prices } = bar;
  // One literal: rows put together with spreads cost ten times as much.
  batch.ticks.push({
    symbol: entry.symbol,
    ts_event: bar.ts_start,
    event_ns: 0,
    seq: 0,
    span_ms: entry.spanMs,
    open_e4: prices.open_e4,
    high_e4: prices.high_e4,
    low_e4: prices.low_e4,
    close_e4: prices.close_e4,
    vwap_e6: typicalPriceE6(prices),
    vwap_is_typical: true,
    volume_e6: bar.volume_e6,
    trade_count: null,
    ts_recv: entry.tsRecv,
  });
};

/**
 * The same of an option: one print at the END of its span with its close and its volume, because option prints are timed by
 * the instant from which they are known.
 */
export const takeOptionTradeBar: TakeLeanRow = (row, batch, entry) => {
  const bar = readTradeBar(row, batch, entry);
  if (bar === null) return;
  if (bar.volume_e6 % 1_000_000 !== 0) return reject(row, batch, 'volume is not a whole number of contracts');
  batch.trades.push({
    symbol: entry.symbol as OsiSymbol,
    ts_event: addMs(bar.ts_start, entry.spanMs),
    event_ns: 0,
    seq: 0,
    px_e4: bar.prices.close_e4,
    sz: bar.volume_e6 / 1_000_000,
    conditions: null,
    ts_recv: entry.tsRecv,
  });
};

const BAR_COLUMNS = { open: 1, high: 2, low: 3, close: 4 } as const;

function readTradeBar(
  row: Row,
  batch: ImportBatch,
  entry: LeanEntry,
): { ts_start: EasternUs; prices: Ohlc; volume_e6: number } | null {
  if (!hasFields(row, batch, 6)) return null;
  const ts_start = readTime(row, entry);
  if (typeof ts_start === 'string') return rejected(row, batch, ts_start);
  const prices = readOhlc(row, BAR_COLUMNS, entry.priceScale);
  if (typeof prices === 'string') return rejected(row, batch, prices);
  const volume_e6 = fieldScaled(row, 5, 6);
  if (volume_e6 === null) return rejected(row, batch, numberFault(row, 'volume', 5));
  const fault = ohlcFault(prices) ?? (volume_e6 < 0 ? 'volume is negative' : null);
  if (fault !== null) return rejected(row, batch, fault);
  return isNew(row, batch, { entry, us: ts_start }) ? { ts_start, prices, volume_e6 } : null;
}

/**
 * `ms,bid open,high,low,close,size,ask open,high,low,close,size` of an option: the quote that stood when the span ended, timed
 * by that end. Nobody knew it earlier.
 */
export const takeQuoteBar: TakeLeanRow = (row, batch, entry) => {
  if (!hasFields(row, batch, 11)) return;
  const ts_start = readTime(row, entry);
  if (typeof ts_start === 'string') return reject(row, batch, ts_start);
  const bid = readSide(row, { close: 4, size: 5, name: 'bid', before: entry.bid });
  const ask = readSide(row, { close: 9, size: 10, name: 'ask', before: entry.ask });
  if (typeof bid === 'string') return reject(row, batch, bid);
  if (typeof ask === 'string') return reject(row, batch, ask);
  if (!isNew(row, batch, { entry, us: ts_start })) return;
  entry.bid = bid;
  entry.ask = ask;
  if (bid.px_e4 !== null && ask.px_e4 !== null && bid.px_e4 > ask.px_e4) {
    // The two closes are each side's last in the span, not of one instant: crossed ones are no quote that ever stood.
    const prices = `bid ${formatScaled(bid.px_e4, 4, 2)} is above ask ${formatScaled(ask.px_e4, 4, 2)}`;
    batch.setAside.push(rejection(row, `crossed quote: ${prices}`));
    return;
  }
  batch.quotes.push({
    symbol: entry.symbol as OsiSymbol,
    ts_event: addMs(ts_start, entry.spanMs),
    event_ns: 0,
    seq: 0,
    bid_px_e4: bid.px_e4,
    ask_px_e4: ask.px_e4,
    bid_sz: bid.sz,
    ask_sz: ask.sz,
    ts_recv: entry.tsRecv,
  });
};

/**
 * One side at the end of its span. LEAN leaves a side empty in a span that did not change it, as its own engine reads it: the one
 * before stands. It is absent until it has had a price (of index options, where nobody bids), and where the price is 0.
 */
function readSide(row: Row, at: { close: number; size: number; name: string; before: Side }): Side | string {
  if (fieldEmpty(row, at.close)) return at.before;
  const px_e4 = fieldScaled(row, at.close, 0);
  const sz = fieldEmpty(row, at.size) ? 0 : fieldWhole(row, at.size);
  if (px_e4 === null) return numberFault(row, `${at.name} close`, at.close);
  if (sz === null) return numberFault(row, `${at.name} size`, at.size);
  if (px_e4 < 0 || sz < 0) return `${at.name} price or size is negative`;
  if (px_e4 > MAX_INTEGER || sz > MAX_INTEGER) return `${at.name} price or size is too large to be true`;
  return px_e4 === 0 ? NO_SIDE : { px_e4, sz };
}

/** `ms,price,size,exchange,conditions,suspicious` of an equity: a print. LEAN sends no sequence; order tells equal ones apart. */
export const takeTick: TakeLeanRow = (row, batch, entry) => {
  if (!hasFields(row, batch, 6)) return;
  const us = readTime(row, entry);
  if (typeof us === 'string') return reject(row, batch, us);
  const price_e4 = fieldScaled(row, 1, 0);
  const volume_e6 = fieldScaled(row, 2, 6);
  if (price_e4 === null) return reject(row, batch, numberFault(row, 'price', 1));
  if (volume_e6 === null) return reject(row, batch, numberFault(row, 'size', 2));
  const fault = priceFault(price_e4) ?? (volume_e6 < 0 ? 'size is negative' : null);
  if (fault !== null) return reject(row, batch, fault);
  const { last } = entry;
  if (us < last.us) return reject(row, batch, verdictReason('backwards', last));
  // Numbered before suspicious prints leave, so that the numbers do not depend on which ones are suspected.
  const seq = nextOrdinal(last, us);
  remember(last, row, { us, ns: 0, seq });
  const suspicious = fieldText(row, 5);
  const isOfficial = (Number.parseInt(fieldText(row, 4), 16) & OFFICIAL_PRICE) !== 0;
  if (suspicious !== '0' && suspicious !== '1') reject(row, batch, 'suspicious is neither 0 nor 1');
  else if (suspicious === '1')
    batch.setAside.push(rejection(row, 'the vendor marks this print as suspicious'));
  else if (isOfficial)
    batch.setAside.push(rejection(row, 'repeats volume already reported (official open or close)'));
  else batch.ticks.push(printOf(entry, { ts_event: us, seq, price_e4, volume_e6 }));
};

function printOf(
  entry: LeanEntry,
  print: { ts_event: EasternUs; seq: number; price_e4: number; volume_e6: number },
): EquityTick {
  const { ts_event, seq, price_e4, volume_e6 } = print;
  return {
    symbol: entry.symbol,
    ts_event,
    event_ns: 0,
    seq,
    span_ms: 0,
    open_e4: price_e4,
    high_e4: price_e4,
    low_e4: price_e4,
    close_e4: price_e4,
    vwap_e6: price_e4 * 100,
    vwap_is_typical: false,
    volume_e6,
    trade_count: 1,
    ts_recv: entry.tsRecv,
  };
}

/** Eastern time of the first field, or the reason why it has none. */
function readTime(row: Row, entry: LeanEntry): EasternUs | string {
  const us = fieldScaled(row, 0, 3);
  if (us === null) return numberFault(row, 'time', 0);
  if (us < 0 || us >= DAY_US) return `time is not within a day: ${fieldText(row, 0)} ms`;
  if (entry.spanMs > 0 && us % (entry.spanMs * 1000) !== 0) {
    return `time is not a whole number of spans (${entry.spanMs / 1000} s) after midnight`;
  }
  return entry.toEastern(entry.midnightUs + us) ?? 'time does not exist: the clock was put forward over it';
}

function isNew(row: Row, batch: ImportBatch, at: { entry: LeanEntry; us: EasternUs }): boolean {
  const { last } = at.entry;
  const verdict = judgeByTime(last, row, at.us);
  if (verdict === 'duplicate') batch.duplicates++;
  else if (verdict !== 'new') reject(row, batch, verdictReason(verdict, last));
  else remember(last, row, { us: at.us, ns: 0, seq: 0 });
  return verdict === 'new';
}

function rejected(row: Row, batch: ImportBatch, reason: string): null {
  reject(row, batch, reason);
  return null;
}
