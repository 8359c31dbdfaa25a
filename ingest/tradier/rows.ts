// Tradier's quotes as rows: prices to integers, what is 0 or "null" to nothing, times to Eastern.
import { scaleNumber } from '../../core/decimal.ts';
import type { EquityTick, OptionQuote, OptionSnapshot, RejectedRow } from '../../core/domain.ts';
import { type EasternUs, easternFromEpochMs, formatEastern } from '../../core/eastern_time.ts';
import { type OsiSymbol, toOsi } from '../../core/osi_symbol.ts';
import { type WireQuote, wireQuote } from './wire.ts';

/** A row of market.option_snapshots as it is written: times in words, as JSON carries them. */
export interface ChainRow extends OptionSnapshot {
  readonly bid_sz: number | null;
  readonly ask_sz: number | null;
  readonly ts_quote: string | null;
  readonly bid_iv: number | null;
  readonly ask_iv: number | null;
  readonly smv_iv: number | null;
  readonly delta: number | null;
  readonly gamma: number | null;
  readonly theta: number | null;
  readonly vega: number | null;
  readonly rho: number | null;
  readonly ts_greeks: string | null;
}

export interface ReadRows<Row> {
  readonly rows: readonly Row[];
  readonly rejected: readonly RejectedRow[];
  /** The newest quote's own time; null where none has one. */
  readonly newest: EasternUs | null;
}

const MAX_RAW = 500;

function price(value: number | null | undefined): number | null {
  const px_e4 = value === null || value === undefined ? null : scaleNumber(value, 4);
  // Tradier writes 0 where there is no bid, no ask or no trade.
  return px_e4 === null || px_e4 <= 0 || px_e4 > 2_147_483_647 ? null : px_e4;
}

function count(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isInteger(value) && value >= 0 ? value : null;
}

function figure(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isFinite(value) ? value : null;
}

/** A volatility: 0 is one that could not be computed. */
function volatility(value: number | null | undefined): number | null {
  const found = figure(value);
  return found === null || found <= 0 ? null : found;
}

function timeOf(epochMs: number | null | undefined): EasternUs | null {
  return epochMs === null || epochMs === undefined || epochMs <= 0 ? null : easternFromEpochMs(epochMs);
}

/** The later of bid and ask; of an index, whose bid and ask are old, the trade. */
function quotedAt(wire: WireQuote): EasternUs | null {
  const times = [timeOf(wire.bid_date), timeOf(wire.ask_date)].filter((at) => at !== null);
  return times.length === 0 ? timeOf(wire.trade_date) : (Math.max(...times) as EasternUs);
}

// No zone is told; it is UTC.
function greeksAt(text: string | null | undefined): EasternUs | null {
  const ms = Date.parse(`${(text ?? '').replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? null : easternFromEpochMs(ms);
}

function inWords(at: EasternUs | null): string | null {
  return at === null ? null : formatEastern(at);
}

function chainRow(wire: WireQuote, symbol: OsiSymbol): ChainRow {
  const { greeks } = wire;
  return {
    symbol,
    bid_px_e4: price(wire.bid),
    ask_px_e4: price(wire.ask),
    last_px_e4: price(wire.last),
    volume: count(wire.volume),
    open_interest: count(wire.open_interest),
    implied_volatility: volatility(greeks?.mid_iv),
    bid_sz: count(wire.bidsize),
    ask_sz: count(wire.asksize),
    ts_quote: inWords(quotedAt(wire)),
    bid_iv: volatility(greeks?.bid_iv),
    ask_iv: volatility(greeks?.ask_iv),
    smv_iv: volatility(greeks?.smv_vol),
    delta: figure(greeks?.delta),
    gamma: figure(greeks?.gamma),
    theta: figure(greeks?.theta),
    vega: figure(greeks?.vega),
    rho: figure(greeks?.rho),
    ts_greeks: inWords(greeksAt(greeks?.updated_at)),
  };
}

function readEach<Row>(
  raw: readonly unknown[],
  source: string,
  read: (wire: WireQuote) => Row | string,
): ReadRows<Row> {
  const rows: Row[] = [];
  const rejected: RejectedRow[] = [];
  let newest: EasternUs | null = null;
  for (const each of raw) {
    const parsed = wireQuote.safeParse(each);
    const row = parsed.success
      ? read(parsed.data)
      : `not as documented: ${parsed.error.issues[0]?.path.join('.') || 'the whole'}`;
    if (typeof row === 'string') {
      const text = JSON.stringify(each) ?? String(each);
      rejected.push({ source, line: null, raw: text.slice(0, MAX_RAW), reason: row });
      continue;
    }
    rows.push(row);
    const at = parsed.success ? quotedAt(parsed.data) : null;
    if (at !== null && (newest === null || at > newest)) newest = at;
  }
  return { rows, rejected, newest };
}

/** The contracts of a chain. One that comes twice is taken once. */
export function chainRows(raw: readonly unknown[], source: string): ReadRows<ChainRow> {
  const seen = new Set<string>();
  return readEach(raw, source, (wire) => {
    const symbol = toOsi(wire.symbol);
    if (symbol === null) return 'no option symbol';
    if (seen.has(symbol)) return 'a contract that came twice';
    seen.add(symbol);
    return chainRow(wire, symbol);
  });
}

/** Their quotes, for the rules: all of the instant for which they were asked. */
export function quoteOf(
  row: Pick<ChainRow, 'symbol' | 'bid_px_e4' | 'ask_px_e4' | 'bid_sz' | 'ask_sz'>,
  at: { readonly ts_event: EasternUs; readonly ts_recv: EasternUs },
): OptionQuote {
  const { symbol, bid_px_e4, ask_px_e4, bid_sz, ask_sz } = row;
  return { ...{ symbol, bid_px_e4, ask_px_e4, bid_sz, ask_sz }, ...at, event_ns: 0, seq: 0 };
}

/** The value of an index as a print of its own instant: an index has a last price and nothing else that is worth reading. */
export function indexTick(
  wire: WireQuote,
  at: { readonly ts_event: EasternUs; readonly ts_recv: EasternUs },
): EquityTick | string {
  const px_e4 = price(wire.last);
  if (px_e4 === null) return 'no last price';
  return {
    symbol: wire.symbol,
    ...at,
    ...{ event_ns: 0, seq: 0, span_ms: 0 },
    ...{ open_e4: px_e4, high_e4: px_e4, low_e4: px_e4, close_e4: px_e4 },
    vwap_e6: px_e4 * 100,
    vwap_is_typical: false,
    volume_e6: 0,
    trade_count: null,
  };
}

/** The answer to one request for indexes and contracts, told apart. */
export function readQuotes(
  raw: readonly unknown[],
  at: { readonly ts_event: EasternUs; readonly ts_recv: EasternUs },
): {
  readonly ticks: readonly EquityTick[];
  readonly quotes: readonly OptionQuote[];
  readonly rejected: readonly RejectedRow[];
} {
  const ticks: EquityTick[] = [];
  const quotes: OptionQuote[] = [];
  const { rejected } = readEach(raw, 'quotes', (wire) => {
    const symbol = toOsi(wire.symbol);
    if (symbol !== null) {
      quotes.push(quoteOf(chainRow(wire, symbol), at));
      return true;
    }
    const tick = indexTick(wire, at);
    if (typeof tick !== 'string') ticks.push(tick);
    return typeof tick === 'string' ? tick : true;
  });
  return { ticks, quotes, rejected };
}
