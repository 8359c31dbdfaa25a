// Sleeping until something happens: hints wake a loop early, and one that comes while it works is not lost.
import type { Clock } from '../../core/clock.ts';

export interface Waker {
  /** Ends the sleep of now, or the next one. */
  wake(): void;
  /** Returns after `ms` of the clock, at once when woken or when the signal is aborted. */
  sleep(ms: number, options: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void>;
}

export function createWaker(): Waker {
  let isPending = false;
  let end: (() => void) | null = null;
  return {
    wake: () => {
      isPending = true;
      end?.();
    },
    sleep: async (ms, { clock, signal }) => {
      const woken = new AbortController();
      const stop = (): void => woken.abort();
      end = stop;
      signal.addEventListener('abort', stop, { once: true });
      if (!isPending && !signal.aborted) await clock.sleep(ms, woken.signal);
      signal.removeEventListener('abort', stop);
      end = null;
      isPending = false;
    },
  };
}
