// Prices as text to scaled integers and back: exact, or null.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatScaled, parseScaled, scaleNumber } from '../../core/decimal.ts';

test.each([
  ['597.74', 4, 5_977_400],
  ['597.74', 6, 597_740_000],
  ['0', 4, 0],
  ['-0', 4, 0],
  ['-1.5', 4, -15_000],
  ['.5', 4, 5_000],
  ['5.', 4, 50_000],
  ['1e2', 4, 1_000_000],
  ['2.5E-3', 4, 25],
  ['1e+1', 0, 10],
  ['007', 0, 7],
  ['0.1', 0, 0],
  ['1e-30', 4, 0],
])('%s times 10^%i is %i', (text, scale, expected) => {
  expect(parseScaled(text, scale)).toBe(expected);
});

test.each([
  ['0.5', 1],
  ['-0.5', -1],
  ['1.4999', 1],
  ['2.5', 3],
  ['-2.5', -3],
  ['5e-1', 1],
  ['.49', 0],
])('half rounds away from zero: %s is %i', (text, expected) => {
  expect(parseScaled(text, 0)).toBe(expected);
});

// In floating point 1.005 * 100 is 100.49999999999999, and 8.575 * 100 is 857.4999999999999.
test.each([
  ['1.005', 101],
  ['8.575', 858],
])('%s cents are not subject to binary fractions', (text, expected) => {
  expect(parseScaled(text, 2)).toBe(expected);
});

test.each([
  '',
  '-',
  '.',
  '-.',
  'NaN',
  'inf',
  'Infinity',
  '1.2.3',
  '+1',
  ' 1',
  '1 ',
  '1,000',
  '0x10',
  '1e',
  '--1',
  '١',
])('%j is no decimal', (text) => {
  expect(parseScaled(text, 4)).toBeNull();
});

test('what an integer cannot hold exactly is refused, not rounded', () => {
  expect(parseScaled('9007199254740991', 0)).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseScaled('9007199254740992', 0)).toBeNull();
  expect(parseScaled('9007199254740991.5', 0)).toBeNull();
  expect(parseScaled('1000000000000', 4)).toBeNull();
  expect(parseScaled('1e999', 0)).toBeNull();
});

test('a JSON number goes through its shortest text', () => {
  expect(scaleNumber(597.74, 4)).toBe(5_977_400);
  expect(scaleNumber(1.005, 2)).toBe(101);
  expect(scaleNumber(1e-7, 6)).toBe(0);
  expect([Number.NaN, Number.POSITIVE_INFINITY, 1e300].map((value) => scaleNumber(value, 4))).toEqual([
    null,
    null,
    null,
  ]);
});

test('it agrees with whole-number arithmetic on any decimal', () => {
  const digits = fc.stringMatching(/^\d{1,9}$/);
  const agrees = (isNegative: boolean, whole: string, fraction: string, scale: number): void => {
    const shifted = BigInt(whole + fraction) * 10n ** BigInt(scale);
    const unit = 10n ** BigInt(fraction.length);
    const rounded = Number((shifted * 2n + unit) / (unit * 2n));
    const expected = isNegative && rounded !== 0 ? -rounded : rounded;
    expect(parseScaled(`${isNegative ? '-' : ''}${whole}.${fraction}`, scale)).toBe(expected);
  };
  fc.assert(fc.property(fc.boolean(), digits, digits, fc.integer({ min: 0, max: 6 }), agrees));
});

test.each([
  [5_977_400, 4, 2, '597.74'],
  [5_977_400, 4, 0, '597.74'],
  [5_970_000, 4, 2, '597.00'],
  [5_970_000, 4, 0, '597'],
  [5, 4, 0, '0.0005'],
  [-5, 4, 0, '-0.0005'],
  [0, 4, 2, '0.00'],
  [42, 0, 0, '42'],
])('%i at scale %i with %i digits at least is %s', (value, scale, minDigits, expected) => {
  expect(formatScaled(value, scale, minDigits)).toBe(expected);
});

test('parsing reverses formatting', () => {
  const value = fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n));
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 9 }), (n, scale) => {
      expect(parseScaled(formatScaled(n, scale), scale)).toBe(n);
    }),
  );
});
