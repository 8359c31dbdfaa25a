// Databento's rows (reference C2 to C4), out of binary records or CSV: 1e-9 prices to 1e-4, sentinels to nothing, UTC to Eastern.
import { type EasternUs, easternFromEpochMs } from '../../core/eastern_time.ts';
import { RTYPE } from './dbn.ts';

export interface QuoteRecord {
  readonly kind: 'quote';
  readonly instrumentId: number;
  /** End of the interval. */
  readonly at: EasternUs;
  readonly bid_px_e4: number | null;
  readonly ask_px_e4: number | null;
  readonly bid_sz: number;
  readonly ask_sz: number;
}

export interface DefinitionRecord {
  readonly kind: 'definition';
  readonly instrumentId: number;
  readonly at: EasternUs;
  /** As it is sent; null where it is no option symbol. */
  readonly symbol: string | null;
}

export interface StatisticRecord {
  readonly kind: 'statistic';
  readonly instrumentId: number;
  readonly at: EasternUs;
  /** 9 open interest, 6 cleared volume, others prices. */
  readonly statType: number;
  readonly quantity: number | null;
}

export type DatabentoRecord = QuoteRecord | DefinitionRecord | StatisticRecord;

const TWO_32 = 4_294_967_296;
const UNDEF_HIGH = 0x7fffffff;
const UNDEF_LOW = 0xffffffff;
const MAX_INT32 = 2_147_483_647;
const OSI = /[A-Z][A-Z0-9.]{0,5} *\d{6}[CP]\d{8}/;

/** A price, null where it is undefined. Exact: options are priced in whole 1e-4. */
function price(buffer: Buffer, at: number): number | null {
  const low = buffer.readUInt32LE(at);
  const high = buffer.readInt32LE(at + 4);
  if (high === UNDEF_HIGH && low === UNDEF_LOW) return null;
  return Math.round((high * TWO_32 + low) / 1e5);
}

/** UTC nanoseconds; null where they are undefined. */
function time(buffer: Buffer, at: number): EasternUs | null {
  const low = buffer.readUInt32LE(at);
  const high = buffer.readUInt32LE(at + 4);
  if (high === UNDEF_LOW && low === UNDEF_LOW) return null;
  // High times 2^32 is exact as a multiple of 2^32; a double keeps microseconds of what is left.
  return easternFromEpochMs((high * TWO_32 + low) / 1e6);
}

const EPOCH = 0 as EasternUs;

function quote(buffer: Buffer, at: number, instrumentId: number): QuoteRecord {
  return {
    kind: 'quote',
    instrumentId,
    at: time(buffer, at + 32) ?? EPOCH,
    bid_px_e4: price(buffer, at + 48),
    ask_px_e4: price(buffer, at + 56),
    bid_sz: buffer.readUInt32LE(at + 64),
    ask_sz: buffer.readUInt32LE(at + 68),
  };
}

// The width and the place of its fields changed with every version; its symbol is the only text of that form.
function definition(buffer: Buffer, at: number, length: number, instrumentId: number): DefinitionRecord {
  const symbol = OSI.exec(buffer.toString('latin1', at + 16, at + length))?.[0] ?? null;
  return { kind: 'definition', instrumentId, at: time(buffer, at + 16) ?? EPOCH, symbol };
}

function statistic(buffer: Buffer, at: number, length: number, instrumentId: number): StatisticRecord {
  // Version 3 has a quantity of 8 bytes, and is longer by as much as that takes.
  const isWide = length >= 80;
  const wide = isWide ? buffer.readInt32LE(at + 44) * TWO_32 + buffer.readUInt32LE(at + 40) : 0;
  const narrow = buffer.readInt32LE(at + 40);
  const quantity = isWide
    ? wide > Number.MAX_SAFE_INTEGER
      ? null
      : wide
    : narrow === MAX_INT32
      ? null
      : narrow;
  const statType = buffer.readUInt16LE(at + (isWide ? 56 : 52));
  const received = time(buffer, at + 16) ?? EPOCH;
  return { kind: 'statistic', instrumentId, at: received, statType, quantity };
}

/** The record at a place; null for one of another kind. */
export function readRecord(buffer: Buffer, at: number): DatabentoRecord | null {
  const length = (buffer[at] ?? 0) * 4;
  const instrumentId = buffer.readUInt32LE(at + 4);
  switch (buffer[at + 1]) {
    case RTYPE.cbbo1m:
    case RTYPE.cbbo1s:
      return quote(buffer, at, instrumentId);
    case RTYPE.definition:
      return definition(buffer, at, length, instrumentId);
    case RTYPE.statistics:
      return statistic(buffer, at, length, instrumentId);
    default:
      return null;
  }
}

const UNDEF_PRICE = '9223372036854775807';
const UNDEF_TIME = '18446744073709551615';

/** A price of a CSV file: nanodollars, or dollars where there is a point; null where it is undefined, NaN where it is none. */
export function csvPrice(text: string): number | null {
  if (text === '' || text === UNDEF_PRICE) return null;
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return text.includes('.') ? Math.round(value * 1e4) : Math.round(value / 1e5);
}

/** A time of a CSV file: nanoseconds, or ISO 8601 where there is a T; null where it is undefined or none. */
export function csvTime(text: string): EasternUs | null {
  if (text === '' || text === UNDEF_TIME) return null;
  if (text.includes('T')) {
    const ms = Date.parse(`${text.slice(0, 23).replace(/Z$/, '')}Z`);
    return Number.isNaN(ms) ? null : easternFromEpochMs(ms);
  }
  return /^\d{13,20}$/.test(text) ? easternFromEpochMs(Number(text.slice(0, -3)) / 1000) : null;
}
