// Option quotes straight from a frame's bytes into columns. Whatever is not plainly such a quote is left to the mapper, so that
// both take and refuse the same: the scanner only knows the short way.
import { type EasternUs, easternFromEpochMs } from '../../core/eastern_time.ts';
import { type OsiSymbol, toMassive, toOsi } from '../../core/osi_symbol.ts';
import { ABSENT, type ContractTable, type QuoteColumns } from '../quote_columns.ts';

/** Contracts by their ticker's bytes. */
export interface TickerTable extends ContractTable {
  /** The number of the contract whose ticker lies in [from, to), by its hash (hashed); ABSENT where it is none, or none of ours. */
  find(hash: number, bytes: Buffer, from: number, to: number): number;
}

export interface ScanRules {
  readonly tsRecv: EasternUs;
  /** Event time of sound rows: not before `from`, before `to`. */
  readonly from: EasternUs;
  readonly to: EasternUs;
}

const [QUOTE, BACKSLASH, COMMA, COLON, DOT, ZERO, NINE, BRACKET, END_BRACKET, BRACE, END_BRACE] = [
  34, 92, 44, 58, 46, 48, 57, 91, 93, 123, 125,
];

/**
 * Scans a frame into `columns`: returns the text of the events that were not taken, as a frame of their own (`[]` if there are
 * none), or null, with nothing taken, where the frame is not an array of objects.
 */
export function scanQuotes(
  frame: Buffer,
  columns: QuoteColumns,
  contracts: TickerTable,
  rules: ScanRules,
): string | null {
  const before = columns.length;
  const others: string[] = [];
  const last = frame.length - 1;
  if (last < 2 || frame[0] !== BRACKET || frame[last] !== END_BRACKET) return null;
  for (let at = 1; ; at += 1) {
    let end = frame[at] === BRACE ? scanQuote(frame, at, columns, contracts, rules) : ABSENT;
    if (end === ABSENT) {
      end = objectEnd(frame, at);
      if (end !== ABSENT) others.push(frame.toString('utf8', at, end));
    }
    if (end === last) return `[${others.join(',')}]`;
    if (end === ABSENT || frame[end] !== COMMA) {
      columns.length = before;
      return null;
    }
    at = end;
  }
}

/** Where the object that begins here ends; ABSENT if it does not, or is none. */
function objectEnd(frame: Buffer, from: number): number {
  if (frame[from] !== BRACE) return ABSENT;
  let depth = 0;
  let isText = false;
  for (let at = from; at < frame.length; at += 1) {
    const byte = frame[at];
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === BRACE) depth += 1;
    else if (byte === END_BRACE) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return ABSENT;
}

// Fields of a quote, as bits of what was seen.
const [EV, SYM, BX, AX, BP, AP, BS, AS, T, Q] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const NEEDED = EV | SYM | T | Q;

// Two-letter names, the first letter in the high byte.
const NAMES = new Int16Array(1 << 15);
for (const [name, field] of [
  ['ev', EV],
  ['bx', BX],
  ['ax', AX],
  ['bp', BP],
  ['ap', AP],
  ['bs', BS],
  ['as', AS],
] as const) {
  NAMES[(name.charCodeAt(0) << 8) | name.charCodeAt(1)] = field;
}
const [LETTER_T, LETTER_Q, LETTER_S, LETTER_Y, LETTER_M, CAPITAL_Q] = [116, 113, 115, 121, 109, 81];

// Longer ones may be beyond what a double holds exactly.
const MAX_DIGITS = 15;
const MAX_INT4 = 2_147_483_647;
// As in fields.ts.
const MIN_EPOCH_MS = 946_684_800_000;
const MAX_EPOCH_MS = 4_102_444_800_000;

/** Where the event ends if it is a plain quote, which then is in the columns; else ABSENT. */
function scanQuote(
  frame: Buffer,
  from: number,
  columns: QuoteColumns,
  contracts: TickerTable,
  { tsRecv, from: tsFrom, to: tsTo }: ScanRules,
): number {
  let at = from + 1;
  let seen = 0;
  let contract = ABSENT;
  let ms = 0;
  let seq = 0;
  let bidPx = 0;
  let askPx = 0;
  let bidSz = ABSENT;
  let askSz = ABSENT;
  for (;;) {
    const field = fieldAt(frame, at);
    at += field === T || field === Q ? 3 : field === SYM ? 5 : 4;
    if (field === 0 || (seen & field) !== 0 || frame[at] !== COLON) return ABSENT;
    seen |= field;
    at += 1;
    if (field === EV) {
      if (frame[at] !== QUOTE || frame[at + 1] !== CAPITAL_Q || frame[at + 2] !== QUOTE) return ABSENT;
      at += 3;
    } else if (field === SYM) {
      if (frame[at] !== QUOTE) return ABSENT;
      let hash = 0;
      let end = at + 1;
      for (; end < frame.length && frame[end] !== QUOTE; end += 1) hash = hashed(hash, frame[end] as number);
      contract = contracts.find(hash, frame, at + 1, end);
      if (contract === ABSENT) return ABSENT;
      at = end + 1;
    } else {
      const first = at;
      let value = 0;
      let byte = frame[at] as number;
      for (; byte >= ZERO && byte <= NINE; byte = frame[at] as number) {
        value = value * 10 + (byte - ZERO);
        at += 1;
      }
      const digits = at - first;
      if (digits === 0 || digits > MAX_DIGITS || (digits > 1 && frame[first] === ZERO)) return ABSENT;
      if (field === BP || field === AP) {
        // More decimals would have to be rounded.
        let places = 0;
        if (byte === DOT) {
          at += 1;
          for (
            byte = frame[at] as number;
            byte >= ZERO && byte <= NINE && places < 4;
            byte = frame[at] as number
          ) {
            value = value * 10 + (byte - ZERO);
            places += 1;
            at += 1;
          }
          if (places === 0) return ABSENT;
        }
        for (; places < 4; places += 1) value *= 10;
      }
      if (field === T) ms = value;
      else if (field === Q) seq = value;
      else if (value > MAX_INT4) return ABSENT;
      else if (field === BP) bidPx = value;
      else if (field === AP) askPx = value;
      else if (field === BS) bidSz = value;
      else if (field === AS) askSz = value;
    }
    const byte = frame[at];
    at += 1;
    if (byte === END_BRACE) break;
    if (byte !== COMMA) return ABSENT;
  }
  if ((seen & NEEDED) !== NEEDED || ms < MIN_EPOCH_MS || ms > MAX_EPOCH_MS) return ABSENT;
  const tsEvent = easternFromEpochMs(ms);
  if (tsEvent < tsFrom || tsEvent >= tsTo) return ABSENT;
  const n = columns.add();
  columns.contract[n] = contract;
  columns.ts_event[n] = tsEvent;
  columns.event_ns[n] = 0;
  columns.seq[n] = seq;
  columns.ts_recv[n] = tsRecv;
  // A price or a size of 0 says that nobody quotes the side.
  const isBid = bidPx !== 0 && bidSz !== 0;
  columns.bid_px_e4[n] = isBid ? bidPx : ABSENT;
  columns.bid_sz[n] = isBid ? bidSz : ABSENT;
  const isAsk = askPx !== 0 && askSz !== 0;
  columns.ask_px_e4[n] = isAsk ? askPx : ABSENT;
  columns.ask_sz[n] = isAsk ? askSz : ABSENT;
  return at;
}

/** The field that is named here, in quotes; 0 for any other. */
function fieldAt(frame: Buffer, at: number): number {
  if (frame[at] !== QUOTE) return 0;
  const first = frame[at + 1] as number;
  const second = frame[at + 2] as number;
  if (second === QUOTE) return first === LETTER_T ? T : first === LETTER_Q ? Q : 0;
  if (frame[at + 3] === QUOTE) return NAMES[((first << 8) | second) & 0x7fff] as number;
  const isSym =
    first === LETTER_S && second === LETTER_Y && frame[at + 3] === LETTER_M && frame[at + 4] === QUOTE;
  return isSym ? SYM : 0;
}

// Bounds the memory that a stream of made-up symbols can take.
const MAX_TICKERS = 20_000;
const SLOTS = 1 << 16;

/** An empty table; `isOurs` is asked about a symbol until it says yes. */
export function tickerTable(isOurs: (symbol: OsiSymbol) => boolean): TickerTable {
  const symbols: OsiSymbol[] = [];
  const numbers = new Map<string, number>();
  const tickers: Buffer[] = [];
  // Number + 1 of the contract in each slot; of two in one slot the second is in the next.
  const slots = new Int32Array(SLOTS);

  function add(bytes: Buffer, { from, to, slot }: { from: number; to: number; slot: number }): number {
    const ticker = bytes.toString('latin1', from, to);
    const symbol = ticker.startsWith('O:') ? toOsi(ticker) : null;
    // One spelling of each: another one is the mapper's.
    if (symbol === null || toMassive(symbol) !== ticker) return ABSENT;
    if (symbols.length >= MAX_TICKERS || !isOurs(symbol)) return ABSENT;
    const number = of(symbol);
    slots[slot] = number + 1;
    tickers[number] = Buffer.from(bytes.subarray(from, to));
    return number;
  }

  function of(symbol: OsiSymbol): number {
    const known = numbers.get(symbol);
    if (known !== undefined) return known;
    numbers.set(symbol, symbols.length);
    return symbols.push(symbol) - 1;
  }

  return {
    symbols,
    of,
    find: (hash, bytes, from, to) => {
      for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
        const number = (slots[slot] as number) - 1;
        if (number === ABSENT) return add(bytes, { from, to, slot });
        if (isSame(tickers[number] as Buffer, bytes, from, to)) return number;
      }
    },
  };
}

function hashed(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

function isSame(ticker: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (ticker.length !== to - from) return false;
  for (let n = 0; n < ticker.length; n += 1) if (ticker[n] !== bytes[from + n]) return false;
  return true;
}
