// When the next request may go out: so many a minute, and none while the vendor wants to be left alone.
import type { Clock } from '../../core/clock.ts';

export interface Pacer {
  /** Resolves when a request may be sent, and counts it; throws when the signal is aborted. */
  turn(signal: AbortSignal): Promise<void>;
  /** Keeps every request back for so long. */
  pause(ms: number): void;
}

export interface PacerOptions {
  /** Requests in any window; null is no limit. */
  readonly limit: number | null;
  readonly clock: Clock;
  /** Default: a minute, as the vendor counts. */
  readonly windowMs?: number;
}

/** A pacer that several workers share. */
export function createPacer({ limit, clock, windowMs = 60_000 }: PacerOptions): Pacer {
  let sent: number[] = [];
  let pausedUntil = Number.NEGATIVE_INFINITY;
  const now = (): number => clock.now() / 1000;

  function waitMs(): number {
    const at = now();
    sent = sent.filter((each) => each > at - windowMs);
    const oldest = limit !== null && sent.length >= limit ? sent[sent.length - limit] : undefined;
    // A clock that was set back must not hold us for longer than a window.
    const forRoom = oldest === undefined ? 0 : Math.min(oldest + windowMs - at, windowMs);
    return Math.max(pausedUntil - at, forRoom);
  }

  return {
    async turn(signal) {
      for (;;) {
        signal.throwIfAborted();
        const wait = waitMs();
        if (wait <= 0) break;
        await clock.sleep(Math.ceil(wait) + 1, signal);
      }
      if (limit !== null) sent.push(now());
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, now() + ms);
    },
  };
}
