// Our reads must not use up the requests that the broker allows: exits and cancels need them.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';

export interface ReadBudget {
  /** Clock time until the next read may begin; 0 is now. */
  waitMs(): number;
  /** Counts one read; a pass that has begun may overdraw. */
  spend(): void;
}

/** So many reads a minute on average, `burst` of them at once. */
export function createReadBudget(limits: { perMinute: number; burst: number }, clock: Clock): ReadBudget {
  const usPerRead = 60_000_000 / limits.perMinute;
  // The instant at which the budget would be full again.
  let fullAt = Number.NEGATIVE_INFINITY;
  return {
    waitMs: () => Math.max(0, (fullAt - clock.now() - (limits.burst - 1) * usPerRead) / 1000),
    spend: () => {
      fullAt = Math.max(fullAt, clock.now() as EasternUs) + usPerRead;
    },
  };
}
