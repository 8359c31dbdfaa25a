// Sorted, duplicated or contradictory: what a row's time says beside that of the last row of the same instrument.
import type { Row } from './lines.ts';

/** The last row taken of one instrument. */
export interface LastRow {
  us: number;
  ns: number;
  seq: number;
  line: number;
  /** Where its text is; null once other instruments' rows came in between. */
  buffer: Buffer | null;
  start: number;
  end: number;
}

/** Before the first row. */
export function newLastRow(): LastRow {
  return { us: Number.NEGATIVE_INFINITY, ns: 0, seq: 0, line: 0, buffer: null, start: 0, end: 0 };
}

/** Negative, zero or positive as the time is earlier than, equal to or later than the last row's. */
export function compareTime(last: LastRow, us: number, ns: number): number {
  return us === last.us ? ns - last.ns : us - last.us;
}

/** Keeps the row for the comparisons of the next. */
export function remember(last: LastRow, row: Row, key: { us: number; ns: number; seq: number }): void {
  last.us = key.us;
  last.ns = key.ns;
  last.seq = key.seq;
  last.line = row.line;
  last.buffer = row.buffer;
  last.start = row.start;
  last.end = row.end;
}

/** True where the row's text equals the last one's, byte for byte. */
export function sameText(last: LastRow, row: Row): boolean {
  const { buffer } = last;
  return buffer !== null && buffer.compare(row.buffer, row.start, row.end, last.start, last.end) === 0;
}

export type KeyVerdict = 'new' | 'duplicate' | 'contradiction' | 'backwards';

/** The verdict on a row that its time alone identifies: a bar, an aggregate. */
export function judgeByTime(last: LastRow, row: Row, us: number): KeyVerdict {
  if (us > last.us) return 'new';
  if (us < last.us) return 'backwards';
  return sameText(last, row) ? 'duplicate' : 'contradiction';
}

/** The reason that goes with a verdict. */
export function verdictReason(verdict: 'contradiction' | 'backwards', last: LastRow): string {
  return verdict === 'backwards'
    ? `time goes backwards (line ${last.line} is later): sort the file by time`
    : `same time as line ${last.line}, other values`;
}

/**
 * The ordinal of a print among those of the same microsecond, for vendors that send no sequence. The database's key has
 * microseconds only, so nanoseconds do not tell two prints apart.
 */
export function nextOrdinal(last: LastRow, us: number): number {
  return us === last.us ? last.seq + 1 : 0;
}
