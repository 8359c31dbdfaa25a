// Pauses after failures: doubled from the first up to the last, and none after a success.
import type { Clock } from '../../core/clock.ts';

export interface Backoff {
  failed(): void;
  reset(): void;
  /** Ms until the next attempt, with pauses no longer than `maxMs` where it is given. */
  waitMs(maxMs?: number): number;
}

export function createBackoff(options: {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly transport: Clock;
}): Backoff {
  const { firstMs, maxMs, transport } = options;
  let failures = 0;
  let failedAt = 0;
  return {
    failed: () => {
      failures += 1;
      failedAt = transport.now();
    },
    reset: () => {
      failures = 0;
    },
    waitMs: (limitMs = maxMs) => {
      if (failures === 0) return 0;
      const pauseMs = Math.min(maxMs, limitMs, pauseAfter(failures, firstMs));
      // A clock that was set back must not make the pause longer.
      const passedMs = Math.max(0, (transport.now() - failedAt) / 1000);
      return Math.min(pauseMs, Math.max(0, pauseMs - passedMs));
    },
  };
}

/** The pause after so many failures in a row, before any limit: 1 gives `firstMs`. */
export function pauseAfter(failures: number, firstMs: number): number {
  return firstMs * 2 ** Math.min(20, Math.max(0, failures - 1));
}
