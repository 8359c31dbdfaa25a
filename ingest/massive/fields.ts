// Checks of single fields of Massive's frames: anything may arrive, only whole and sensible numbers pass.
import { parseScaled, scaleNumber } from '../../core/decimal.ts';
import { type EasternUs, easternFromEpochMs } from '../../core/eastern_time.ts';

/** An event as it came out of JSON.parse. */
export type VendorEvent = Readonly<Record<string, unknown>>;

// Prices are stored as 32-bit integers of 1/10,000 dollar: up to 214,748.3647 dollars.
const MAX_PRICE_E4 = 2_147_483_647;
const MAX_CONTRACTS = 2_147_483_647;
// 2000-01-01 and 2100-01-01: outside lies a time in seconds or nanoseconds, not in milliseconds.
const MIN_EPOCH_MS = 946_684_800_000;
const MAX_EPOCH_MS = 4_102_444_800_000;

/**
 * `round(value * factor)` with factor = 10^scale. Where the double divides back exactly, the product's rounding is proved right
 * (a correctly rounded quotient equal to `value` means that `value` is that decimal); all others take the exact, slow way.
 */
function scale(value: number, factor: number, digits: number): number | null {
  const scaled = Math.round(value * factor);
  // Adding 0 turns -0 into 0.
  if (scaled / factor === value && Number.isSafeInteger(scaled)) return scaled + 0;
  return scaleNumber(value, digits);
}

/** A price above 0 in 1/10,000 dollar, or null. */
export function priceE4(value: unknown): number | null {
  if (typeof value !== 'number' || !(value > 0)) return null;
  const price = scale(value, 1e4, 4);
  return price !== null && price > 0 && price <= MAX_PRICE_E4 ? price : null;
}

/** A price above 0 in 1/1,000,000 dollar, or null. */
export function priceE6(value: unknown): number | null {
  if (typeof value !== 'number' || !(value > 0)) return null;
  const price = scale(value, 1e6, 6);
  return price !== null && price > 0 && price <= MAX_PRICE_E4 * 100 ? price : null;
}

/**
 * Shares in 1/1,000,000: the decimal text where there is one (fractional shares), else the number; null if it is negative or
 * no number.
 */
export function sharesE6(text: unknown, value: unknown): number | null {
  const shares =
    text === undefined ? sharesOfNumber(value) : typeof text === 'string' ? parseScaled(text, 6) : null;
  return shares !== null && shares >= 0 ? shares : null;
}

function sharesOfNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? scale(value, 1e6, 6) : null;
}

// Adding 0 turns -0 into 0.
function whole(value: unknown, max: number): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
    ? value + 0
    : null;
}

/** Whole option contracts, 0 included, or null. */
export function contractCount(value: unknown): number | null {
  return whole(value, MAX_CONTRACTS);
}

/** A vendor sequence number, or null. */
export function sequence(value: unknown): number | null {
  return whole(value, Number.MAX_SAFE_INTEGER);
}

/** Epoch milliseconds that can be a market event's, or null. */
export function epochMs(value: unknown): number | null {
  const ms = whole(value, MAX_EPOCH_MS);
  return ms !== null && ms >= MIN_EPOCH_MS ? ms : null;
}

/** Eastern time of a field in epoch milliseconds, or null. */
export function eventTime(value: unknown): EasternUs | null {
  const ms = epochMs(value);
  return ms === null ? null : easternFromEpochMs(ms);
}
