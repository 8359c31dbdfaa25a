// Windows of a walk-forward: trainings whole, tests one after the other, nothing tested twice and nothing trained on later.
import { describe, expect, it } from 'vitest';
import { addMs, type EasternUs, formatEastern, parseEastern } from '../../core/eastern_time.ts';
import { type Span, windowsOf } from '../../jobs/walk_forward.ts';

const DAY_MS = 86_400_000;

function day(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new Error(text);
  return us;
}

/** Every day of the range but Saturdays and Sundays. */
function weekdays(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let at = day(from); at < day(to); at = addMs(at, DAY_MS)) {
    const date = formatEastern(at).slice(0, 10);
    if (![0, 6].includes(new Date(`${date}T00:00:00Z`).getUTCDay())) dates.push(date);
  }
  return dates;
}

function windows(from: string, to: string, train: Span, test: Span): string[] {
  const range = { from: day(from), to: day(to) };
  return windowsOf({ train, test }, range, weekdays(from, to)).map((each) =>
    [each.train.from, each.train.to, each.test.from, each.test.to]
      .map((at) => formatEastern(at).slice(0, 10))
      .join(' '),
  );
}

const months = (count: number): Span => ({ count, unit: 'months' });
const sessions = (count: number): Span => ({ count, unit: 'sessions' });

describe('windowsOf', () => {
  it('counts months from the first day, the last test as long as there is data', () => {
    expect(windows('2024-01-15', '2024-06-20', months(2), months(1))).toEqual([
      '2024-01-15 2024-03-15 2024-03-15 2024-04-15',
      '2024-02-15 2024-04-15 2024-04-15 2024-05-15',
      '2024-03-15 2024-05-15 2024-05-15 2024-06-15',
      '2024-04-15 2024-06-15 2024-06-15 2024-06-20',
    ]);
  });

  it('ends months at their last day, without a gap', () => {
    expect(windows('2024-01-31', '2024-04-10', months(1), months(1))).toEqual([
      '2024-01-31 2024-02-29 2024-02-29 2024-03-29',
      '2024-02-29 2024-03-29 2024-03-29 2024-04-10',
    ]);
  });

  it('counts sessions over weekends', () => {
    expect(windows('2024-01-01', '2024-01-20', sessions(5), sessions(4))).toEqual([
      '2024-01-01 2024-01-08 2024-01-08 2024-01-12',
      '2024-01-05 2024-01-12 2024-01-12 2024-01-18',
      '2024-01-11 2024-01-18 2024-01-18 2024-01-20',
    ]);
  });

  it('takes months of training with sessions of testing', () => {
    expect(windows('2024-01-01', '2024-02-20', months(1), sessions(10))).toEqual([
      '2024-01-01 2024-02-01 2024-02-01 2024-02-15',
      '2024-01-15 2024-02-15 2024-02-15 2024-02-20',
    ]);
  });

  it.each([
    [months(12), months(3)],
    [sessions(60), sessions(7)],
    [months(1), sessions(3)],
    [sessions(13), months(2)],
  ])(
    'of %j and %j tests every day after the first training once, and trains on none of them later',
    (train, test) => {
      const range = { from: day('2023-01-04'), to: day('2025-03-08') };
      const all = windowsOf({ train, test }, range, weekdays('2023-01-04', '2025-03-08'));
      expect(all.length).toBeGreaterThan(1);
      for (const [nth, window] of all.entries()) {
        expect(window.train.from).toBeLessThan(window.train.to);
        expect(window.test.from).toBe(window.train.to);
        expect(window.test.from).toBeLessThan(window.test.to);
        expect(window.test.to).toBe(all[nth + 1]?.test.from ?? range.to);
      }
    },
  );

  it('finds none where the range holds no more than a training', () => {
    expect(windows('2024-01-01', '2024-02-01', months(1), months(1))).toEqual([]);
    expect(windows('2024-01-01', '2024-01-06', sessions(5), sessions(1))).toEqual([]);
    // What follows the training is a weekend.
    expect(windows('2024-01-01', '2024-01-08', sessions(5), sessions(1))).toEqual([]);
  });
});
