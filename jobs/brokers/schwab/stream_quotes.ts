// Level-one quotes of options: the streamer sends what changed, and whole quotes are made of it.
import { scaleNumber } from '../../../core/decimal.ts';
import type { OptionQuote } from '../../../core/domain.ts';
import { type EasternUs, easternFromEpochMs } from '../../../core/eastern_time.ts';
import { type OsiSymbol, toOsi } from '../../../core/osi_symbol.ts';
import type { StreamData } from './stream_wire.ts';

/** Fields to subscribe to: symbol, bid, ask, their sizes, quote time. */
export const QUOTE_FIELDS = '0,2,3,16,17,38';

const BID = '2';
const ASK = '3';
const BID_SIZE = '16';
const ASK_SIZE = '17';
const QUOTE_MS = '38';
const CHANGING = [BID, ASK, BID_SIZE, ASK_SIZE, QUOTE_MS] as const;

// 2000-01-01 to 2100-01-01: what lies outside is no time in milliseconds.
const MIN_EPOCH_MS = 946_684_800_000;
const MAX_EPOCH_MS = 4_102_444_800_000;
const MAX_E4 = 2_147_483_647;

export interface QuoteMerge {
  /** The quotes that a message makes. A contract gives none before both of its sides have been sent once. */
  merge(message: StreamData, receivedAt: EasternUs): readonly OptionQuote[];
  /** Forgets what was merged: after a reconnect everything is sent again, and old halves must not meet new ones. */
  drop(): void;
  /** Messages that were marked as delayed, and were not used. */
  delayedCount(): number;
}

type Fields = Record<(typeof CHANGING)[number], unknown>;

/** An empty merge. */
export function createQuoteMerge(): QuoteMerge {
  const states = new Map<OsiSymbol, Partial<Fields>>();
  const lastAt = new Map<OsiSymbol, { ts: EasternUs; seq: number }>();
  let delayed = 0;

  // The vendor numbers nothing: rows of one instant are told apart by their order. It goes on over reconnects.
  const sequence = (symbol: OsiSymbol, ts: EasternUs): number => {
    const last = lastAt.get(symbol);
    const seq = last?.ts === ts ? last.seq + 1 : 0;
    lastAt.set(symbol, { ts, seq });
    return seq;
  };
  const mergeOne = (
    content: Readonly<Record<string, unknown>>,
    frame: { readonly sentMs: number | undefined; readonly receivedAt: EasternUs },
  ): OptionQuote[] => {
    const symbol = typeof content.key === 'string' ? toOsi(content.key) : null;
    if (symbol === null) return [];
    if (content.delayed === true) {
      delayed += 1;
      return [];
    }
    const changed = CHANGING.filter((name) => content[name] !== undefined);
    if (changed.length === 0) return [];
    const state = { ...states.get(symbol) };
    for (const name of changed) state[name] = content[name];
    states.set(symbol, state);
    if (state[BID] === undefined || state[ASK] === undefined) return [];
    const ts_event = timeOf(state[QUOTE_MS], frame.sentMs) ?? frame.receivedAt;
    const quote = { symbol, ts_event, event_ns: 0, seq: sequence(symbol, ts_event), ...sidesOf(state) };
    return [{ ...quote, ts_recv: frame.receivedAt }];
  };
  return {
    merge: (message, receivedAt) =>
      message.content.flatMap((content) => mergeOne(content, { sentMs: message.timestamp, receivedAt })),
    drop: () => states.clear(),
    delayedCount: () => delayed,
  };
}

function sidesOf(state: Partial<Fields>): Pick<OptionQuote, 'bid_px_e4' | 'ask_px_e4' | 'bid_sz' | 'ask_sz'> {
  const bid_px_e4 = priceOf(state[BID]);
  const ask_px_e4 = priceOf(state[ASK]);
  return {
    bid_px_e4,
    ask_px_e4,
    bid_sz: bid_px_e4 === null ? null : sizeOf(state[BID_SIZE]),
    ask_sz: ask_px_e4 === null ? null : sizeOf(state[ASK_SIZE]),
  };
}

/** 0 is how a side that is absent is sent. */
function priceOf(value: unknown): number | null {
  if (typeof value !== 'number' || !(value > 0)) return null;
  const price = scaleNumber(value, 4);
  return price !== null && price > 0 && price <= MAX_E4 ? price : null;
}

function sizeOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_E4 ? value : null;
}

// A change without a quote time of its own keeps the last one, and comes after it by its sequence.
function timeOf(quoteMs: unknown, sentMs: number | undefined): EasternUs | null {
  const ms = isEpochMs(quoteMs) ? quoteMs : sentMs;
  return isEpochMs(ms) ? easternFromEpochMs(ms) : null;
}

function isEpochMs(value: unknown): value is number {
  return (
    typeof value === 'number' && Number.isInteger(value) && value >= MIN_EPOCH_MS && value <= MAX_EPOCH_MS
  );
}
