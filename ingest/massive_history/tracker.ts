// How far a download is, in units: a session's bars, a session's list of contracts, a contract's quotes or trades.
import { expectedUnits } from './estimate.ts';
import type { HistoryRequest, Plan } from './plan.ts';

export interface DownloadProgress {
  readonly done: number;
  /** Moves as contracts become known. */
  readonly total: number;
  /** What was stored last, e.g. `2025-10-06 quotes`. */
  readonly at: string;
}

export interface Tracker {
  /** A page was stored; with `isDone` it was its unit's last. */
  stored(at: string, isDone: boolean): void;
  /** A session's contracts are known: so many units instead of those expected. */
  listed(units: number): void;
}

/** The tracker of a plan. */
export function createTracker(
  plan: Plan,
  request: HistoryRequest,
  onProgress: ((progress: DownloadProgress) => void) | undefined,
): Tracker {
  const expected = expectedUnits(request);
  let done = 0;
  let total = plan.bars.reduce((sum, chunk) => sum + chunk.sessions.length, 0);
  for (const { units } of plan.chains) total += units === null ? 1 + expected : units.length;
  return {
    stored(at, isDone) {
      if (isDone) done += 1;
      onProgress?.({ done, total, at });
    },
    listed(units) {
      total += units - expected;
    },
  };
}
