import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScaled } from '../../../core/decimal.ts';
import { easternFromEpochNs } from '../../../core/eastern_time.ts';
import { scanEpochUs, scanLastThree, scanScaled, scanWhole } from '../../../ingest/files/scan.ts';
import { easternFromEpochUs } from '../../../ingest/files/zone.ts';

const scan = (text: string, scale: number): number | null => {
  const buffer = Buffer.from(`,${text},9`, 'latin1');
  return scanScaled(buffer, 1, 1 + text.length, scale);
};

const whole = (text: string): number | null => {
  const buffer = Buffer.from(`,${text},9.5`, 'latin1');
  return scanWhole(buffer, 1, 1 + text.length);
};

describe('the number scanner', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 18 });
  const decimal = fc
    .tuple(
      fc.constantFrom('', '-'),
      digits,
      fc.constantFrom('', '.'),
      digits,
      fc.constantFrom('', 'e-3', 'E5', 'e'),
    )
    .map((parts) => parts.join(''));

  it('gives what parseScaled gives, for decimals of any shape', () => {
    fc.assert(
      fc.property(decimal, fc.integer({ min: 0, max: 9 }), (text, scale) => {
        expect(scan(text, scale)).toBe(parseScaled(text, scale));
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives what parseScaled gives, for any text at all', () => {
    const rubbish = fc.string({ unit: fc.constantFrom(...'0123456789.-+eE naif'), maxLength: 12 });
    fc.assert(
      fc.property(rubbish, fc.integer({ min: 0, max: 9 }), (text, scale) => {
        expect(scan(text, scale)).toBe(parseScaled(text, scale));
      }),
      { numRuns: 3_000 },
    );
  });

  it('rounds half away from zero and refuses what is no number', () => {
    expect(scan('597.74005', 4)).toBe(5977401);
    expect(scan('-597.74005', 4)).toBe(-5977401);
    expect(scan('-0.00001', 4)).toBe(0);
    for (const text of ['', '-', '.', 'NaN', 'nan', 'inf', '-Infinity', '1,5', '1.2.3', '0x1f', '١']) {
      expect(scan(text, 4), text).toBeNull();
    }
    expect(scan('99999999999999999', 4)).toBeNull();
  });

  it('takes whole numbers however they are written, and no others', () => {
    expect(['12', '12505.0', '0', '1e3', '1.25e2', '-4'].map(whole)).toEqual([12, 12505, 0, 1000, 125, -4]);
    expect(['.0', '0.0', '7.00', '7.', '99999999999999999.0'].map(whole)).toEqual([0, 0, 7, 7, null]);
    for (const text of ['', '12.5', '1e-3', 'x', '9007199254740993', '--1'])
      expect(whole(text), text).toBeNull();
  });

  it('reads nanoseconds without a number that would round them', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1_000_000_000_000_000_000n, max: 2_000_000_000_000_000_000n }), (ns) => {
        const buffer = Buffer.from(`${ns},`);
        const us = scanEpochUs(buffer, 0, 19);
        expect(us).not.toBeNull();
        const expected = easternFromEpochNs(String(ns));
        expect(easternFromEpochUs(us ?? 0)).toBe(expected.us);
        expect(scanLastThree(buffer, 19)).toBe(expected.ns);
      }),
    );
    for (const text of ['176615100004739089', '1766151000047390x93', '']) {
      expect(scanEpochUs(Buffer.from(text), 0, text.length), text).toBeNull();
    }
  });
});
