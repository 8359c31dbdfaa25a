// Clocks for tests that a slow machine must not fail.
import { acceleratedClock, type Clock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';

/** A clock that stands still until it is released, and then runs `speed` times as fast as the machine's: setting up takes no time. */
export function heldClock(options: {
  readonly start: EasternUs;
  readonly speed: number;
}): Clock & { release(): void } {
  const { sleep } = acceleratedClock(options);
  let running: Clock | null = null;
  return {
    kind: 'simulated',
    now: () => running?.now() ?? options.start,
    sleep,
    release: () => {
      running ??= acceleratedClock(options);
    },
  };
}

/** A clock on which time passes by sleeping alone. */
export function leapingClock(start: EasternUs): Clock {
  let now = start;
  return {
    kind: 'simulated',
    now: () => now,
    sleep: async (ms) => {
      now = addMs(now, ms);
    },
  };
}
