// A clock that stands still until it is moved: a simulated session shares it with everything that lives in its time.
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';

export interface SteppingClock extends Clock {
  readonly kind: 'simulated';
  /** Moves the time forward. Sleepers stay asleep until `wake`. Throws when moved backwards. */
  moveTo(us: EasternUs): void;
  /** Ends every sleep that is due, earliest first. */
  wake(): void;
}

interface Sleeper {
  readonly until: EasternUs;
  readonly wake: () => void;
}

/**
 * A stepping clock at `start`. Moving and waking are two steps, so that whoever sleeps until T sees everything that was
 * delivered before T. A session that is over leaves the time standing: who still sleeps then sleeps until aborted, since a sleep
 * that ended at once would make a polling loop spin.
 */
export function steppingClock(start: EasternUs): SteppingClock {
  let now = start;
  const sleepers = new Set<Sleeper>();
  return {
    kind: 'simulated',
    now: () => now,
    moveTo: (us) => {
      if (us < now) throw new Error(`a clock does not run backwards: ${now} to ${us}`);
      now = us;
    },
    wake: () => {
      const due = [...sleepers].filter((sleeper) => sleeper.until <= now).sort((a, b) => a.until - b.until);
      for (const sleeper of due) sleeper.wake();
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper: Sleeper = { until: addMs(now, ms), wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
        if (ms <= 0 || signal?.aborted) wake();
      }),
  };
}
