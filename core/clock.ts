// The clock is a port: code takes one as an argument and never asks the machine, so that a simulated day runs in a minute.
import { addMs, type EasternUs, easternFromEpochMs } from './eastern_time.ts';

export interface Clock {
  /** Eastern wall-clock time. */
  now(): EasternUs;
  /** Resolves after `ms` of this clock's time, or at once when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** `simulated` clocks are accepted only with loopback vendors and a paper or simulated broker. */
  readonly kind: 'system' | 'simulated';
}

function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The machine's clock. */
export function systemClock(): Clock {
  return { kind: 'system', now: () => easternFromEpochMs(Date.now()), sleep: delay };
}

/** A clock that starts at `start` and runs `speed` times as fast as the machine's. */
export function acceleratedClock(options: { start: EasternUs; speed: number }): Clock {
  const origin = performance.now();
  return {
    kind: 'simulated',
    now: () => addMs(options.start, Math.floor((performance.now() - origin) * options.speed)),
    sleep: (ms, signal) => delay(ms / options.speed, signal),
  };
}
