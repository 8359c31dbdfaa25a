// Massive's websocket frames to rows: pure, never throws, and checks every field at the edge. Protocol facts: reference A1.6.
import { z } from 'zod';
import type { EquityTick, OptionQuote, OptionTrade, RejectedRow } from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { equityAggregate, equityPrint } from './equity_rows.ts';
import type { VendorEvent } from './fields.ts';
import { optionQuote, optionTrade } from './option_rows.ts';
import type { Ordinals } from './ordinals.ts';
import { rejectedRow } from './rejected.ts';
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
}

// A frame of nothing but rubbish must not become a million rows of it.
const MAX_REJECTED_A_FRAME = 100;

const statusEvent = z.object({ status: z.string(), message: z.string().default('') });

/**
 * Maps one websocket frame (a JSON array of events) received at `tsRecv`. Anything may be passed: what is not a row goes to
 * `rejected` with the reason, at most 100 a frame.
 */
export function mapFrame(frame: string | Buffer, tsRecv: EasternUs): MappedFrame {
  const mapped: MappedFrame = { ticks: [], quotes: [], trades: [], statuses: [], rejected: [] };
  const text = typeof frame === 'string' ? frame : frame.toString('utf8');
  const events = parseJson(text);
  if (!Array.isArray(events)) {
    mapped.rejected.push(rejectedRow(text, events === undefined ? 'not JSON' : 'not an array of events'));
    return mapped;
  }
  const ordinals: Ordinals = new Map();
  for (const event of events) {
    const reason = mapEvent(event, tsRecv, mapped, ordinals);
    if (reason === null) continue;
    if (mapped.rejected.length === MAX_REJECTED_A_FRAME) {
      mapped.rejected.push(rejectedRow(text, 'too many bad events in one frame: the rest is not listed'));
      break;
    }
    mapped.rejected.push(rejectedRow(event, reason));
  }
  return mapped;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Puts the event where it belongs; the reason if it belongs nowhere, null if it was taken or is none of ours. */
function mapEvent(event: unknown, tsRecv: EasternUs, mapped: MappedFrame, ordinals: Ordinals): string | null {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return 'not an event object';
  const fields = event as VendorEvent;
  const { ev, sym } = fields;
  if (typeof ev !== 'string') return 'ev is missing';
  if (ev === 'status') return mapStatus(fields, mapped);
  if (ev !== 'A' && ev !== 'AM' && ev !== 'T' && ev !== 'Q') return null;
  if (typeof sym !== 'string') return 'sym is missing';
  if (!isOptionTicker(sym)) return ev === 'Q' ? null : mapEquity(fields, sym, tsRecv, mapped, ordinals);
  return ev === 'A' || ev === 'AM' ? null : mapOption(fields, sym, tsRecv, mapped, ordinals);
}

function mapStatus(event: VendorEvent, mapped: MappedFrame): string | null {
  const parsed = statusEvent.safeParse(event);
  if (!parsed.success) return 'malformed status';
  mapped.statuses.push(parsed.data);
  return null;
}

function mapEquity(
  event: VendorEvent,
  sym: string,
  tsRecv: EasternUs,
  mapped: MappedFrame,
  ordinals: Ordinals,
): string | null {
  const symbol = equitySymbol(sym);
  if (symbol === null) return 'sym is no ticker';
  const row =
    event.ev === 'T' ? equityPrint(event, symbol, tsRecv, ordinals) : equityAggregate(event, symbol, tsRecv);
  if (typeof row === 'string') return row;
  mapped.ticks.push(row);
  return null;
}

function mapOption(
  event: VendorEvent,
  sym: string,
  tsRecv: EasternUs,
  mapped: MappedFrame,
  ordinals: Ordinals,
): string | null {
  const symbol = optionSymbol(sym);
  if (symbol === null) return 'sym is no option symbol';
  if (event.ev === 'Q') {
    const quote = optionQuote(event, symbol, tsRecv);
    if (typeof quote === 'string') return quote;
    mapped.quotes.push(quote);
    return null;
  }
  const trade = optionTrade(event, symbol, tsRecv, ordinals);
  if (typeof trade === 'string') return trade;
  mapped.trades.push(trade);
  return null;
}
