// The compiled ceilings: what they bar, what they let through, and that nothing raises them.
import { describe, expect, it } from 'vitest';
import { Failure } from '../../../core/failure.ts';
import { ceilingsOf, entryProblem, MAX_CEILINGS, quantityProblem } from '../../../jobs/orders/ceilings.ts';

const ENTRY = { purpose: 'entry', qty: 25, limit_px_e4: 10_000 } as const;
const AROUND = { ordersMinute: 0, ordersDay: 0, reference_e4: 10_100, multiplier: 100 } as const;

describe('ceilings', () => {
  it('let an ordinary entry through', () => {
    expect(entryProblem(ENTRY, MAX_CEILINGS, AROUND)).toBeNull();
  });

  it('bar an entry of more contracts than one order may have', () => {
    expect(entryProblem({ ...ENTRY, qty: 501 }, MAX_CEILINGS, AROUND)).toMatch(/501 contracts, at most 500/);
  });

  it('bar an entry of more premium than one order may have', () => {
    const order = { ...ENTRY, qty: 500, limit_px_e4: 110_000 };
    const problem = entryProblem(order, MAX_CEILINGS, { ...AROUND, reference_e4: 110_000 });
    expect(problem).toMatch(/premium of 550000 dollars, at most 500000/);
  });

  it.each([
    [{ ...AROUND, ordersMinute: MAX_CEILINGS.ordersPerMinute }, /orders within a minute/],
    [{ ...AROUND, ordersDay: MAX_CEILINGS.ordersPerDay }, /orders today/],
  ])('bar an entry after too many orders: %o', (around, text) => {
    expect(entryProblem(ENTRY, MAX_CEILINGS, around)).toMatch(text);
  });

  it.each([
    ['far below the market', 4000],
    ['far above it', 20_000],
  ])('bar an entry whose limit is %s', (_, limit_px_e4) => {
    expect(entryProblem({ ...ENTRY, limit_px_e4 }, MAX_CEILINGS, AROUND)).toMatch(/% apart/);
  });

  it('let an option of a few cents be sold a few cents from its middle', () => {
    const order = { ...ENTRY, limit_px_e4: 200 };
    expect(entryProblem(order, MAX_CEILINGS, { ...AROUND, reference_e4: 1000 })).toBeNull();
  });

  it('bar an entry without a limit, and one without a quote to measure it against', () => {
    expect(entryProblem({ ...ENTRY, limit_px_e4: null }, MAX_CEILINGS, AROUND)).toMatch(/needs a limit/);
    expect(entryProblem(ENTRY, MAX_CEILINGS, { ...AROUND, reference_e4: null })).toMatch(/no quote/);
  });

  it('hold an exit to its quantity alone', () => {
    expect(quantityProblem({ purpose: 'exit', qty: 500, limit_px_e4: null }, MAX_CEILINGS)).toBeNull();
    expect(quantityProblem({ purpose: 'exit', qty: 501, limit_px_e4: null }, MAX_CEILINGS)).toMatch(/501/);
  });

  it.each([0, -1, 2.5, Number.NaN])('take no quantity of %d', (qty) => {
    expect(quantityProblem({ ...ENTRY, qty }, MAX_CEILINGS)).not.toBeNull();
  });

  it('can be lowered', () => {
    const ceilings = ceilingsOf({ contractsPerOrder: 10 });
    expect(entryProblem(ENTRY, ceilings, AROUND)).toMatch(/at most 10/);
  });

  it.each([501, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be set to %d', (contractsPerOrder) => {
    expect(() => ceilingsOf({ contractsPerOrder })).toThrow(Failure);
  });
});
