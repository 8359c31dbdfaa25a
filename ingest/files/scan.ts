// Numbers straight from bytes: the hot path of every importer. Same results as core/decimal.ts, without making strings.
import { parseScaled } from '../../core/decimal.ts';

const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const;

/**
 * `round(value * 10^scale)` of the decimal text in buffer[start, end), half away from zero; null for what parseScaled
 * refuses (`NaN`, `inf`, empty, beyond 2^53). `scale` is 0 to 9.
 */
export function scanScaled(buffer: Buffer, start: number, end: number, scale: number): number | null {
  const negative = start < end && buffer[start] === MINUS;
  const first = negative ? start + 1 : start;
  let value = 0;
  let digits = 0;
  let decimals = -1;
  let roundUp = 0;
  for (let i = first; i < end; i++) {
    const digit = (buffer[i] as number) - ZERO;
    if (digit >= 0 && digit <= 9) {
      digits++;
      if (decimals < scale) value = value * 10 + digit;
      else if (decimals === scale && digit >= 5) roundUp = 1;
      if (decimals >= 0) decimals++;
    } else if (digit === POINT - ZERO && decimals < 0) decimals = 0;
    else return parseScaled(buffer.toString('latin1', start, end), scale);
  }
  if (digits === 0) return null;
  // Sixteen digits may pass 2^53 before the end of the loop.
  if (digits > 15) return parseScaled(buffer.toString('latin1', start, end), scale);
  const missing = scale - Math.max(decimals, 0);
  const scaled = (missing > 0 ? value * (POWERS[missing] as number) : value) + roundUp;
  if (scaled > Number.MAX_SAFE_INTEGER) return null;
  return negative && scaled !== 0 ? -scaled : scaled;
}

/** A whole number, which may be written `12505.0`; null for anything else. */
export function scanWhole(buffer: Buffer, start: number, end: number): number | null {
  let value = 0;
  let i = start;
  for (; i < end; i++) {
    const digit = (buffer[i] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (i < end && !(i > start && isPointZero(buffer, i, end))) return scanWritten(buffer, start, end);
  return start === end || value > Number.MAX_SAFE_INTEGER ? null : value;
}

/** True for `.0` up to `end`, as floating-point columns have it. */
function isPointZero(buffer: Buffer, at: number, end: number): boolean {
  return end - at === 2 && buffer[at] === POINT && buffer[at + 1] === ZERO;
}

// A sign, other decimals or an exponent: rare enough for text.
function scanWritten(buffer: Buffer, start: number, end: number): number | null {
  const text = buffer.toString('latin1', start, end);
  const value = parseScaled(text, 0);
  return value !== null && parseScaled(text, 6) === value * 1_000_000 ? value : null;
}

const EPOCH_NS_DIGITS = 19;

/**
 * Unix epoch microseconds of the nanoseconds written in buffer[start, end): 19 digits, years 2001 to 2286. The last three
 * digits are left to `scanLastThree`, since no JavaScript number holds all nineteen. Null for anything else.
 */
export function scanEpochUs(buffer: Buffer, start: number, end: number): number | null {
  if (end - start !== EPOCH_NS_DIGITS) return null;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (buffer[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return null;
    if (i < end - 3) value = value * 10 + digit;
  }
  return value;
}

/** The last three digits before `end`, where scanEpochUs found a number. */
export function scanLastThree(buffer: Buffer, end: number): number {
  const [hundreds = 0, tens = 0, ones = 0] = [buffer[end - 3], buffer[end - 2], buffer[end - 1]];
  return hundreds * 100 + tens * 10 + ones - 111 * ZERO;
}
