// Massive's stock aggregates and prints to rows of market.equity_ticks.
import type { EquityTick } from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { epochMs, eventTime, priceE4, priceE6, sharesE6, type VendorEvent } from './fields.ts';
import { type Ordinals, sequenceOf } from './ordinals.ts';
import { DEFAULT_SALE_RULES, type SaleRules, setAsideReason } from './sale_conditions.ts';

const MAX_SPAN_MS = 86_400_000;

/** A row of an `A` or `AM` event, timed by its start, or why it is none. */
export function equityAggregate(event: VendorEvent, symbol: string, tsRecv: EasternUs): EquityTick | string {
  const ts_event = eventTime(event.s);
  const end = epochMs(event.e);
  if (ts_event === null || end === null) return 's or e is no time in milliseconds';
  const span_ms = end - (event.s as number);
  if (span_ms <= 0 || span_ms > MAX_SPAN_MS) return 'e is not after s within a day';
  const open_e4 = priceE4(event.o);
  const high_e4 = priceE4(event.h);
  const low_e4 = priceE4(event.l);
  const close_e4 = priceE4(event.c);
  if (open_e4 === null || high_e4 === null || low_e4 === null || close_e4 === null) {
    return 'o, h, l or c is no price';
  }
  if (low_e4 > Math.min(open_e4, close_e4) || high_e4 < Math.max(open_e4, close_e4)) {
    return 'h and l do not enclose o and c';
  }
  const vwap_is_typical = event.vw === undefined;
  const vwap_e6 = vwap_is_typical ? Math.round(((high_e4 + low_e4 + close_e4) * 100) / 3) : priceE6(event.vw);
  if (vwap_e6 === null) return 'vw is no price';
  const volume_e6 = sharesE6(event.dv, event.v);
  if (volume_e6 === null) return 'dv or v is no volume';
  return {
    symbol,
    ts_event,
    event_ns: 0,
    seq: 0,
    span_ms,
    open_e4,
    high_e4,
    low_e4,
    close_e4,
    vwap_e6,
    vwap_is_typical,
    volume_e6,
    // `z`, the mean print size, is rounded: the number of prints does not follow from it.
    trade_count: null,
    ts_recv: tsRecv,
  };
}

/** A row of a stock's `T` event, or why it is none; some sale conditions are set aside (sale_conditions.ts). */
export function equityPrint(
  event: VendorEvent,
  symbol: string,
  tsRecv: EasternUs,
  ordinals: Ordinals,
  rules: SaleRules = DEFAULT_SALE_RULES,
): EquityTick | string {
  const ts_event = eventTime(event.t);
  if (ts_event === null) return 't is no time in milliseconds';
  const price = priceE4(event.p);
  const vwap_e6 = priceE6(event.p);
  if (price === null || vwap_e6 === null) return 'p is no price';
  const volume_e6 = sharesE6(event.ds, event.s);
  if (volume_e6 === null) return 'ds or s is no size';
  if (volume_e6 === 0) return 'a print of no size';
  const aside = setAsideReason(event.c, rules);
  if (aside !== null) return aside;
  const seq = sequenceOf(event, symbol, ordinals);
  if (seq === null) return 'q is no sequence number';
  return {
    symbol,
    ts_event,
    event_ns: 0,
    seq,
    span_ms: 0,
    open_e4: price,
    high_e4: price,
    low_e4: price,
    close_e4: price,
    vwap_e6,
    vwap_is_typical: false,
    volume_e6,
    trade_count: 1,
    ts_recv: tsRecv,
  };
}
