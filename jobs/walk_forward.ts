// Walk-forward: a range cut into windows, each a stretch to choose on and, right after it, one to prove the choice on.
import { DateTime } from 'luxon';
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';

/** A number of calendar months, or of sessions. */
export interface Span {
  readonly count: number;
  readonly unit: 'months' | 'sessions';
}

export interface WalkForward {
  readonly train: Span;
  readonly test: Span;
}

/** Half-open. */
export interface TimeRange {
  readonly from: EasternUs;
  readonly to: EasternUs;
}

export interface Window {
  readonly train: TimeRange;
  /** Begins where the training ends. */
  readonly test: TimeRange;
}

/**
 * Windows one after the other, each a test later than the one before, so that every session after the first training is tested once.
 * A training is whole, the last test may be shorter. `sessions` are the dates (YYYY-MM-DD) in the range, in order. [] where the range
 * is too short for one.
 */
export function windowsOf(plan: WalkForward, range: TimeRange, sessions: readonly string[]): Window[] {
  const first = formatEastern(range.from).slice(0, 10);
  const start = (nth: number): string | null => shifted(first, plan.test, nth, sessions);
  /** Where the nth training ends: as its test begins, so does the test before it end. */
  const middle = (nth: number): EasternUs => {
    const from = start(nth);
    const to = from === null ? null : shifted(from, plan.train, 1, sessions);
    return to === null ? range.to : earlier(midnight(to), range.to);
  };
  const windows: Window[] = [];
  for (let nth = 0; middle(nth) < range.to; nth += 1) {
    const from = nth === 0 ? range.from : midnight(start(nth) ?? first);
    windows.push({ train: { from, to: middle(nth) }, test: { from: middle(nth), to: middle(nth + 1) } });
  }
  return windows.filter(({ test }) => sessions.some((date) => isIn(test, midnight(date))));
}

/** The date that many spans later; null beyond the last session. */
function shifted(date: string, span: Span, times: number, sessions: readonly string[]): string | null {
  if (span.unit === 'months')
    return DateTime.fromISO(date)
      .plus({ months: span.count * times })
      .toISODate();
  const at = sessions.findIndex((each) => each >= date);
  return (at < 0 ? undefined : sessions[at + span.count * times]) ?? null;
}

function midnight(date: string): EasternUs {
  const us = parseEastern(date);
  if (us === null) throw new Error(`not a date: ${date}`);
  return us;
}

function earlier(a: EasternUs, b: EasternUs): EasternUs {
  return a < b ? a : b;
}

function isIn({ from, to }: TimeRange, at: EasternUs): boolean {
  return at >= from && at < to;
}
