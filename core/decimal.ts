// Decimal text and JSON numbers to scaled integers, exactly: prices never pass through a floating-point product.

const DECIMAL = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * The integer `round(value * 10^scale)` of a plain decimal text such as `597.74`, half away from zero.
 * Returns null for anything that is not a finite decimal (`NaN`, `inf`, empty, two points) or beyond 2^53.
 */
export function parseScaled(text: string, scale: number): number | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponent] = match;
  if (whole === '' && fraction === '') return null;
  const magnitude = shiftDecimal(whole, fraction, scale + Number(exponent ?? 0));
  if (magnitude === null) return null;
  return sign === '-' && magnitude !== 0 ? -magnitude : magnitude;
}

function shiftDecimal(whole: string, fraction: string, shift: number): number | null {
  const digits = whole + fraction;
  const point = whole.length + shift;
  if (point > 30) return null;
  if (point < 0) return 0;
  const kept = point <= digits.length ? digits.slice(0, point) : digits.padEnd(point, '0');
  const roundUp = point < digits.length && digits.charCodeAt(point) >= 53;
  const value = Number(kept === '' ? '0' : kept) + (roundUp ? 1 : 0);
  return Number.isSafeInteger(value) ? value : null;
}

/** `round(value * 10^scale)` of a JSON number, through its shortest decimal text; null unless finite and safe. */
export function scaleNumber(value: number, scale: number): number | null {
  return Number.isFinite(value) ? parseScaled(String(value), scale) : null;
}

/** A scaled integer as plain decimal text: `formatScaled(5977400, 4, 2)` is `597.74`. Trailing zeros beyond `minDigits` go. */
export function formatScaled(value: number, scale: number, minDigits = 0): string {
  const digits = String(Math.abs(value)).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  let fraction = scale === 0 ? '' : digits.slice(-scale);
  while (fraction.length > minDigits && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  const sign = value < 0 ? '-' : '';
  return fraction === '' ? sign + whole : `${sign}${whole}.${fraction}`;
}
