// Our limit on requests: exact over any minute, with a share that only exits can use.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBudget, DEFAULT_BUDGET } from '../../../../jobs/brokers/budget.ts';
import { movableClock } from './support.ts';

const READ = { isOrder: false, isExit: false };
const ENTRY = { isOrder: true, isExit: false };
const EXIT = { isOrder: true, isExit: true };

function takeAll(take: () => boolean): number {
  let count = 0;
  while (take()) count += 1;
  return count;
}

describe('the request budget', () => {
  it('gives entries 50 orders a minute, and exits ten more', () => {
    const clock = movableClock();
    const budget = createBudget(DEFAULT_BUDGET, clock);
    expect(takeAll(() => budget.take(ENTRY))).toBe(50);
    expect(takeAll(() => budget.take(EXIT))).toBe(10);
    clock.move(59_999);
    expect(budget.take(EXIT)).toBe(false);
    clock.move(1);
    expect(takeAll(() => budget.take(ENTRY))).toBe(50);
  });

  it('gives reads 90 requests a minute, and exits ten more', () => {
    const budget = createBudget(DEFAULT_BUDGET, movableClock());
    expect(takeAll(() => budget.take(READ))).toBe(90);
    expect(budget.take(ENTRY)).toBe(false);
    expect(takeAll(() => budget.take(EXIT))).toBe(10);
  });

  it('says how long an entry has to wait', () => {
    const clock = movableClock();
    const budget = createBudget({ perMinute: 3, ordersPerMinute: 3, reserved: 1 }, clock);
    expect(budget.left()).toBe(2);
    budget.take(READ);
    clock.move(10_000);
    budget.take(READ);
    expect(budget.left()).toBe(0);
    expect(budget.waitMs(ENTRY)).toBe(50_000);
    clock.move(50_000);
    expect(budget.waitMs(ENTRY)).toBe(0);
    expect(budget.take(ENTRY)).toBe(true);
  });

  it('pauses entries and reads when Schwab asks for it, and lets exits through', () => {
    const clock = movableClock();
    const budget = createBudget(DEFAULT_BUDGET, clock);
    budget.pause(20_000);
    budget.pause(5000);
    expect([budget.take(READ), budget.take(ENTRY), budget.take(EXIT)]).toEqual([false, false, true]);
    expect(budget.waitMs(ENTRY)).toBe(20_000);
    clock.move(20_000);
    expect(budget.take(ENTRY)).toBe(true);
  });

  it('goes on within a minute when the clock is set back', () => {
    const clock = movableClock();
    const budget = createBudget(DEFAULT_BUDGET, clock);
    takeAll(() => budget.take(EXIT));
    clock.move(-3_600_000);
    expect(budget.take(EXIT)).toBe(false);
    clock.move(60_000);
    expect(budget.take(EXIT)).toBe(true);
  });

  it('is never exceeded in any 60 seconds, whatever is asked when', () => {
    const request = fc.record({ isOrder: fc.boolean(), isExit: fc.boolean(), ms: fc.nat(9000) });
    const limits = { perMinute: 8, ordersPerMinute: 5, reserved: 2 };
    fc.assert(
      fc.property(fc.array(request, { maxLength: 120 }), (requests) => {
        const clock = movableClock();
        const budget = createBudget(limits, clock);
        const taken: { at: number; isOrder: boolean; isExit: boolean }[] = [];
        for (const { ms, ...asked } of requests) {
          clock.move(ms);
          if (budget.take(asked)) taken.push({ at: clock.now() / 1000, ...asked });
        }
        for (const { at } of taken) {
          const within = taken.filter((each) => each.at <= at && at - each.at < 60_000);
          const orders = within.filter((each) => each.isOrder);
          expect(within.length).toBeLessThanOrEqual(8);
          expect(orders.length).toBeLessThanOrEqual(5);
          expect(within.filter((each) => !each.isExit).length).toBeLessThanOrEqual(6);
          expect(orders.filter((each) => !each.isExit).length).toBeLessThanOrEqual(3);
        }
      }),
    );
  });
});
