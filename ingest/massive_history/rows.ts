// Results of Massive's REST to rows, through the mappers of the live stream. Field facts: reference A2.3 and A2.4.
import type { EquityTick, OptionQuote, OptionTrade } from '../../core/domain.ts';
import { type EasternUs, easternFromEpochNs, epochMsFromEastern } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { equityAggregate } from '../massive/equity_rows.ts';
import type { VendorEvent } from '../massive/fields.ts';
import { optionQuote, optionTrade } from '../massive/option_rows.ts';

const MAX_INTEGER = 2_147_483_647;
// Other corrections cancel a trade or replace it: 0 is a regular one, 1 carries its corrected values.
const STANDING = new Set<unknown>([undefined, null, 0, 1]);
const NANOSECONDS = /^\d{19}$/;

/** A row with the vendor's time in nanoseconds, for the order of rows across pages. */
export interface Timed<Row> {
  readonly row: Row;
  /** 19 digits. */
  readonly epochNs: string;
}

/** Maps the results of one contract, in the order of its pages; a text is the reason why a result is no row. */
export type TickMapper<Row> = (result: unknown, tsRecv: EasternUs) => Timed<Row> | string;

function fieldsOf(result: unknown): VendorEvent | null {
  return typeof result === 'object' && result !== null && !Array.isArray(result)
    ? (result as VendorEvent)
    : null;
}

/** A bar of the underlying, timed by its start, or why it is none. An index has no volume: 0 stands for it. */
export function barRow(
  result: unknown,
  of: {
    readonly symbol: string;
    readonly spanMs: number;
    readonly isIndex: boolean;
    readonly tsRecv: EasternUs;
  },
): EquityTick | string {
  const fields = fieldsOf(result);
  if (fields === null) return 'not an object';
  const { t, o, h, l, c, v, vw, n } = fields;
  const start = typeof t === 'number' ? t : Number.NaN;
  const volume = v === undefined && of.isIndex ? 0 : v;
  // An absent vw must stay absent: the mapper lets the typical price stand in for it.
  const event = { s: t, e: start + of.spanMs, o, h, l, c, v: volume, ...(vw === undefined ? {} : { vw }) };
  const row = equityAggregate(event, of.symbol, of.tsRecv);
  if (typeof row === 'string') return row;
  if (row.ts_event % (of.spanMs * 1000) !== 0) return `t is no whole number of spans (${of.spanMs} ms)`;
  const isCount = typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= MAX_INTEGER;
  return { ...row, trade_count: isCount ? n : null };
}

interface Instant {
  readonly epochNs: string;
  readonly epochMs: number;
  readonly ts_event: EasternUs;
  readonly event_ns: number;
}

function instantOf(value: unknown): Instant | null {
  if (typeof value !== 'string' || !NANOSECONDS.test(value)) return null;
  const { us, ns } = easternFromEpochNs(value);
  return { epochNs: value, epochMs: Number(value.slice(0, -6)), ts_event: us, event_ns: ns };
}

/** Counts ticks among those of the same microsecond, in the order in which they are given. */
function ordinalCounter(): (ts: EasternUs) => number {
  let last: EasternUs | null = null;
  let ordinal = 0;
  return (ts) => {
    ordinal = ts === last ? ordinal + 1 : 0;
    last = ts;
    return ordinal;
  };
}

/**
 * A mapper of one contract's quotes. Those without a sequence number are told apart by their order among the quotes of one
 * microsecond, so a mapper must see each microsecond from its first quote on.
 */
export function quoteMapper(symbol: OsiSymbol): TickMapper<OptionQuote> {
  const ordinalAt = ordinalCounter();
  return (result, tsRecv) => {
    const fields = fieldsOf(result);
    if (fields === null) return 'not an object';
    const at = instantOf(fields.sip_timestamp);
    if (at === null) return 'sip_timestamp is no time in nanoseconds';
    const ordinal = ordinalAt(at.ts_event);
    const { bid_price: bp, bid_size: bs, ask_price: ap, ask_size: as } = fields;
    const event = { t: at.epochMs, bp, bs, ap, as, q: fields.sequence_number ?? ordinal };
    const row = optionQuote(event, symbol, tsRecv);
    if (typeof row === 'string') return row;
    return { row: { ...row, ts_event: at.ts_event, event_ns: at.event_ns }, epochNs: at.epochNs };
  };
}

/** A mapper of one contract's trades; sequence numbers as for quotes. */
export function tradeMapper(symbol: OsiSymbol): TickMapper<OptionTrade> {
  const ordinalAt = ordinalCounter();
  return (result, tsRecv) => {
    const fields = fieldsOf(result);
    if (fields === null) return 'not an object';
    const at = instantOf(fields.sip_timestamp);
    if (at === null) return 'sip_timestamp is no time in nanoseconds';
    // Counted before any is turned down: a later cancellation must not renumber the others.
    const ordinal = ordinalAt(at.ts_event);
    const { price: p, size: s, conditions: c, correction } = fields;
    if (!STANDING.has(correction)) {
      return `the vendor cancelled or corrected this trade (correction ${String(correction).slice(0, 20)})`;
    }
    const event = { t: at.epochMs, p, s, c, q: fields.sequence_number ?? ordinal };
    const row = optionTrade(event, symbol, tsRecv, new Map());
    if (typeof row === 'string') return row;
    return { row: { ...row, ts_event: at.ts_event, event_ns: at.event_ns }, epochNs: at.epochNs };
  };
}

/** Unix epoch milliseconds of an Eastern time, as the vendor's queries take them. */
export function epochMsText(us: EasternUs): string {
  return String(Math.floor(epochMsFromEastern(us)));
}

/** Unix epoch nanoseconds of an Eastern time, as the vendor's queries take them. */
export function epochNsText(us: EasternUs): string {
  return `${Math.round(epochMsFromEastern(us) * 1000)}000`;
}
