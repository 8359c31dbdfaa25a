// Massive's websocket frames to rows: pure, never throws, and checks every field at the edge. Protocol facts: reference A1.6.
import { z } from 'zod';
import type { EquityTick, OptionQuote, OptionTrade, RejectedRow } from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import type { QuoteRange } from '../quote_columns.ts';
import { equityAggregate, equityPrint } from './equity_rows.ts';
import type { VendorEvent } from './fields.ts';
import { optionQuote, optionTrade } from './option_rows.ts';
import type { Ordinals } from './ordinals.ts';
import { rejectedRow } from './rejected.ts';
import { DEFAULT_SALE_RULES, type SaleRules } from './sale_conditions.ts';
import { equitySymbol, isOptionTicker, optionSymbol } from './symbols.ts';

/** A status frame's event. */
export interface StatusMessage {
  readonly status: string;
  readonly message: string;
}

/** What one frame holds. Events of other channels (unknown `ev`, option aggregates, stock quotes) are in none of the lists. */
export interface MappedFrame {
  readonly ticks: EquityTick[];
  readonly quotes: OptionQuote[];
  readonly trades: OptionTrade[];
  readonly statuses: StatusMessage[];
  readonly rejected: RejectedRow[];
  /** Quotes that are columns instead of rows (scanned_frame.ts). */
  readonly scanned?: QuoteRange;
  /** The frame was no array of JSON: whatever was in it is lost. */
  readonly isUnreadable: boolean;
}

// A frame of nothing but rubbish must not become a million rows of it.
const MAX_REJECTED_A_FRAME = 100;

const statusEvent = z.object({ status: z.string(), message: z.string().default('') });

/**
 * Maps one websocket frame (a JSON array of events) received at `tsRecv`. Anything may be passed: what is not a row goes to
 * `rejected` with the reason, at most 100 a frame. `rules` say which prints of stocks are set aside.
 */
export function mapFrame(
  frame: string | Buffer,
  tsRecv: EasternUs,
  rules: SaleRules = DEFAULT_SALE_RULES,
): MappedFrame {
  const mapped = { ticks: [], quotes: [], trades: [], statuses: [], rejected: [], isUnreadable: false };
  mapInto(mapped, typeof frame === 'string' ? frame : frame.toString('utf8'), { tsRecv, rules });
  return mapped;
}

interface Mapping {
  readonly tsRecv: EasternUs;
  readonly rules: SaleRules;
  /** Events without a number, so far in this frame. */
  readonly ordinals: Ordinals;
}

type Filling = { -readonly [Key in keyof MappedFrame]: MappedFrame[Key] };

function mapInto(mapped: Filling, text: string, how: Omit<Mapping, 'ordinals'>): void {
  const events = parseJson(text);
  if (!Array.isArray(events)) {
    mapped.isUnreadable = true;
    mapped.rejected.push(rejectedRow(text, events === undefined ? 'not JSON' : 'not an array of events'));
    return;
  }
  const mapping: Mapping = { ...how, ordinals: new Map() };
  for (const event of events) {
    const reason = mapEvent(event, mapped, mapping);
    if (reason === null || mapped.rejected.length > MAX_REJECTED_A_FRAME) continue;
    mapped.rejected.push(
      mapped.rejected.length < MAX_REJECTED_A_FRAME
        ? rejectedRow(event, reason)
        : rejectedRow(text, 'too many bad events in one frame: the rest of them is not listed'),
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Puts the event where it belongs; the reason if it belongs nowhere, null if it was taken or is none of ours. */
function mapEvent(event: unknown, mapped: MappedFrame, mapping: Mapping): string | null {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return 'not an event object';
  const fields = event as VendorEvent;
  const { ev, sym } = fields;
  if (typeof ev !== 'string') return 'ev is missing';
  if (ev === 'status') return mapStatus(fields, mapped);
  if (ev !== 'A' && ev !== 'AM' && ev !== 'T' && ev !== 'Q') return null;
  if (typeof sym !== 'string') return 'sym is missing';
  if (!isOptionTicker(sym)) return ev === 'Q' ? null : mapEquity(fields, sym, mapped, mapping);
  return ev === 'A' || ev === 'AM' ? null : mapOption(fields, sym, mapped, mapping);
}

function mapStatus(event: VendorEvent, mapped: MappedFrame): string | null {
  const parsed = statusEvent.safeParse(event);
  if (!parsed.success) return 'malformed status';
  mapped.statuses.push(parsed.data);
  return null;
}

function mapEquity(event: VendorEvent, sym: string, mapped: MappedFrame, mapping: Mapping): string | null {
  const { tsRecv, ordinals, rules } = mapping;
  const symbol = equitySymbol(sym);
  if (symbol === null) return 'sym is no ticker';
  const row =
    event.ev === 'T'
      ? equityPrint(event, symbol, tsRecv, ordinals, rules)
      : equityAggregate(event, symbol, tsRecv);
  if (typeof row === 'string') return row;
  mapped.ticks.push(row);
  return null;
}

function mapOption(event: VendorEvent, sym: string, mapped: MappedFrame, mapping: Mapping): string | null {
  const { tsRecv, ordinals } = mapping;
  const symbol = optionSymbol(sym);
  if (symbol === null) return 'sym is no option symbol';
  if (event.ev === 'Q') {
    const quote = optionQuote(event, symbol, tsRecv, ordinals);
    if (typeof quote === 'string') return quote;
    mapped.quotes.push(quote);
    return null;
  }
  const trade = optionTrade(event, symbol, tsRecv, ordinals);
  if (typeof trade === 'string') return trade;
  mapped.trades.push(trade);
  return null;
}
