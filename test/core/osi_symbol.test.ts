// Option symbols between the database's form and the vendors' spellings.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatOsi, type OptionContract, parseOsi, toMassive, toOsi } from '../../core/osi_symbol.ts';

const call: OptionContract = {
  root: 'QQQ',
  expiration: '2025-12-19',
  option_kind: 'call',
  strike_e4: 4_100_000,
};

test('a contract has 21 characters', () => {
  expect(formatOsi(call)).toBe('QQQ   251219C00410000');
  expect(formatOsi({ ...call, root: 'SPXW', option_kind: 'put', strike_e4: 37_025_000 })).toBe(
    'SPXW  251219P03702500',
  );
});

test.each(['QQQ   251219C00410000', 'QQQ251219C00410000', 'O:QQQ251219C00410000'])(
  '%j is the same contract',
  (text) => {
    expect(parseOsi(text)).toEqual(call);
    expect(toOsi(text)).toBe('QQQ   251219C00410000');
  },
);

test('a root that ends in a digit, as adjusted contracts have it, keeps the digit', () => {
  expect(parseOsi('O:QQQ1251219C00410000')?.root).toBe('QQQ1');
  expect(toOsi('BRK.B 251219P00410500')).toBe('BRK.B 251219P00410500');
});

test('strikes are exact to a tenth of a cent', () => {
  expect(parseOsi('QQQ   251219C00000001')?.strike_e4).toBe(10);
  expect(parseOsi('QQQ   251219C99999999')?.strike_e4).toBe(999_999_990);
});

test.each([
  '',
  'QQQ',
  'QQQ   251219X00410000',
  'QQQ   251319C00410000',
  'QQQ   250230C00410000',
  'QQQ   250229C00410000',
  'QQQ   251219C00000000',
  'QQQ   251219C0041000',
  'QQQ   251219C004100000',
  'qqq   251219C00410000',
  '251219C00410000',
  'TOOLONG251219C00410000',
  'O:O:QQQ251219C00410000',
  '1QQ   251219C00410000',
  'Q Q   251219C00410000',
])('%j is no option symbol', (text) => {
  expect(parseOsi(text)).toBeNull();
  expect(toOsi(text)).toBeNull();
});

test.each([
  { root: '' },
  { root: 'TOOLONG' },
  { root: 'qqq' },
  { strike_e4: 0 },
  { strike_e4: -10 },
  { strike_e4: 15 },
  { strike_e4: 1_000_000_000 },
  { strike_e4: 0.5 },
])('%j does not fit and throws', (wrong) => {
  expect(() => formatOsi({ ...call, ...wrong })).toThrow(/does not fit/);
});

test('every contract survives both spellings', () => {
  const contract = fc.record({
    root: fc.stringMatching(/^[A-Z][A-Z0-9]{0,5}$/),
    expiration: fc
      .date({ min: new Date('2015-01-01'), max: new Date('2035-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
    option_kind: fc.constantFrom('call' as const, 'put' as const),
    strike_e4: fc.integer({ min: 1, max: 99_999_999 }).map((n) => n * 10),
  });
  fc.assert(
    fc.property(contract, (it) => {
      const symbol = formatOsi(it);
      expect(symbol).toHaveLength(21);
      expect(parseOsi(symbol)).toEqual(it);
      expect(parseOsi(toMassive(symbol))).toEqual(it);
    }),
  );
});
