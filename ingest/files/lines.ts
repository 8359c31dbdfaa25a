// CSV rows as offsets into a buffer: no string is made of a field that is only a number.

import type { RejectedRow } from '../../core/domain.ts';
import { Failure } from '../../core/failure.ts';
import { scanScaled, scanWhole } from './scan.ts';

const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;

/** Longer than any row of any vendor; a longer line means that the file is no CSV. */
export const MAX_LINE_BYTES = 65_536;
const MAX_FIELDS = 64;
const MAX_RAW_CHARS = 500;

/** A cursor over the rows of one file. Field `i` is buffer[starts[i], ends[i]), blanks and quotes stripped. */
export interface Row {
  /** The file's name, for messages. */
  readonly source: string;
  /** Whole lines. */
  buffer: Buffer;
  /** Offset of the next line in `buffer`. */
  next: number;
  /** Number of the current line in its file, from 1. */
  line: number;
  start: number;
  end: number;
  count: number;
  /** A quote was opened and not closed. */
  unclosed: boolean;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** A cursor before the first line of `source`. */
export function newRow(source: string): Row {
  return {
    source,
    buffer: Buffer.alloc(0),
    next: 0,
    line: 0,
    start: 0,
    end: 0,
    count: 0,
    unclosed: false,
    starts: new Int32Array(MAX_FIELDS),
    ends: new Int32Array(MAX_FIELDS),
  };
}

/** Gives the cursor its next block of whole lines. */
export function setBlock(row: Row, block: Buffer): void {
  row.buffer = block;
  row.next = 0;
}

/** Moves to the next line that is not blank; false at the end of the block. Throws Failure on a line without end. */
export function nextRow(row: Row): boolean {
  const { buffer } = row;
  while (row.next < buffer.length) {
    splitLine(row);
    if (row.end - row.start > MAX_LINE_BYTES) throw tooLong(`${row.source}:${row.line}`);
    if (row.count > 1 || row.starts[0] !== row.ends[0]) return true;
  }
  return false;
}

/** The fault of a line that never ends. */
export function tooLong(where: string): Failure {
  return new Failure(`${where}: a line is longer than ${MAX_LINE_BYTES} bytes`, {
    hint: 'is this a CSV file with line feeds between its rows?',
  });
}

// One pass finds the fields and the end of the line; quoted fields leave it for a moment.
function splitLine(row: Row): void {
  const { buffer, starts } = row;
  const size = buffer.length;
  let i = row.next;
  let count = 0;
  row.start = i;
  row.line++;
  row.unclosed = false;
  starts[0] = i;
  for (; i < size; i++) {
    const byte = buffer[i] as number;
    if (byte > COMMA) continue;
    if (byte === COMMA) {
      endField(row, count++, i);
      if (count < MAX_FIELDS) starts[count] = i + 1;
    } else if (byte === LF) break;
    else if (byte === QUOTE && i === starts[count]) i = skipQuoted(row, i);
  }
  row.next = i + 1;
  row.end = i > row.start && buffer[i - 1] === CR ? i - 1 : i;
  endField(row, count, row.end);
  row.count = count + 1;
}

function endField(row: Row, index: number, at: number): void {
  if (index >= MAX_FIELDS) return;
  const { buffer, starts, ends } = row;
  let start = starts[index] as number;
  let end = at;
  while (start < end && buffer[start] === SPACE) start++;
  while (end > start && buffer[end - 1] === SPACE) end--;
  if (end - start >= 2 && buffer[start] === QUOTE && buffer[end - 1] === QUOTE) {
    start++;
    end--;
  }
  starts[index] = start;
  ends[index] = end;
}

/** Offset of the quote that closes the one at `open`, or of the last byte of the line. */
function skipQuoted(row: Row, open: number): number {
  const { buffer } = row;
  for (let i = open + 1; i < buffer.length; i++) {
    if (buffer[i] === LF) {
      row.unclosed = true;
      return i - 1;
    }
    if (buffer[i] !== QUOTE) continue;
    if (buffer[i + 1] !== QUOTE) return i;
    i++;
  }
  row.unclosed = true;
  return buffer.length - 1;
}

/** Field `index` as text. */
export function fieldText(row: Row, index: number): string {
  return row.buffer.toString('utf8', row.starts[index], row.ends[index]);
}

/** True where field `index` has no characters. */
export function fieldEmpty(row: Row, index: number): boolean {
  return row.starts[index] === row.ends[index];
}

/** Field `index` as `round(value * 10^scale)`; null unless a finite decimal. */
export function fieldScaled(row: Row, index: number, scale: number): number | null {
  return scanScaled(row.buffer, row.starts[index] as number, row.ends[index] as number, scale);
}

/** Field `index` as a whole number; null otherwise. */
export function fieldWhole(row: Row, index: number): number | null {
  return scanWhole(row.buffer, row.starts[index] as number, row.ends[index] as number);
}

/** The row as it goes to market.rejected_rows. */
export function rejection(row: Row, reason: string): RejectedRow {
  const raw = row.buffer.toString('utf8', row.start, row.end).slice(0, MAX_RAW_CHARS);
  return { source: row.source, line: row.line, raw: storable(raw), reason: storable(reason) };
}

// PostgreSQL's text holds no zero byte.
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

/** Why field `index` is not the number it should be, for a reason. */
export function numberFault(row: Row, name: string, index: number): string {
  return fieldEmpty(row, index)
    ? `${name} is empty`
    : `${name} is not a plain decimal number: ${JSON.stringify(fieldText(row, index).slice(0, 40))}`;
}
