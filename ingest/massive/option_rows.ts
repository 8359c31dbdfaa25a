// Massive's option quotes and prints to rows of market.option_quotes and market.option_trades.
import type { OptionQuote, OptionTrade } from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { contractCount, eventTime, priceE4, type VendorEvent } from './fields.ts';
import { type Ordinals, sequenceOf } from './ordinals.ts';

// One side of a quote: null where nobody quotes (absent, or 0 for price or size), undefined where a field is rubbish.
function quoteSide(price: unknown, size: unknown): { px: number; sz: number | null } | null | undefined {
  const isAbsent = price === undefined || price === null || price === 0;
  const px = isAbsent ? null : priceE4(price);
  const sz = size === undefined || size === null ? null : contractCount(size);
  const isRubbish = (!isAbsent && px === null) || (size !== undefined && size !== null && sz === null);
  if (isRubbish) return undefined;
  return px === null || sz === 0 ? null : { px, sz };
}

/** A row of an option's `Q` event, or why it is none. */
export function optionQuote(
  event: VendorEvent,
  symbol: OsiSymbol,
  tsRecv: EasternUs,
  ordinals: Ordinals = new Map(),
): OptionQuote | string {
  const ts_event = eventTime(event.t);
  if (ts_event === null) return 't is no time in milliseconds';
  const seq = sequenceOf(event, symbol, ordinals);
  if (seq === null) return 'q is no sequence number';
  const bid = quoteSide(event.bp, event.bs);
  if (bid === undefined) return 'bp or bs is no price or size';
  const ask = quoteSide(event.ap, event.as);
  if (ask === undefined) return 'ap or as is no price or size';
  return {
    symbol,
    ts_event,
    event_ns: 0,
    seq,
    bid_px_e4: bid === null ? null : bid.px,
    ask_px_e4: ask === null ? null : ask.px,
    bid_sz: bid === null ? null : bid.sz,
    ask_sz: ask === null ? null : ask.sz,
    ts_recv: tsRecv,
  };
}

/** A row of an option's `T` event, or why it is none. */
export function optionTrade(
  event: VendorEvent,
  symbol: OsiSymbol,
  tsRecv: EasternUs,
  ordinals: Ordinals,
): OptionTrade | string {
  const ts_event = eventTime(event.t);
  if (ts_event === null) return 't is no time in milliseconds';
  const px_e4 = priceE4(event.p);
  if (px_e4 === null) return 'p is no price';
  const sz = contractCount(event.s);
  if (sz === null || sz === 0) return 's is no size';
  const seq = sequenceOf(event, symbol, ordinals);
  if (seq === null) return 'q is no sequence number';
  return { symbol, ts_event, event_ns: 0, seq, px_e4, sz, conditions: conditions(event.c), ts_recv: tsRecv };
}

/** Condition codes as sent, comma-separated. They only describe a print, so anything odd becomes null, not a rejection. */
function conditions(value: unknown): string | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > 16) return null;
  return value.every((code) => Number.isSafeInteger(code)) ? value.join(',') : null;
}
