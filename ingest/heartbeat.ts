// The sign of life of a stream, while it lives.
import type { Clock } from '../core/clock.ts';
import type { FeedState } from './massive/feed_options.ts';
import type { StreamWriter } from './stream_writer.ts';

const HEARTBEAT_MS = 5000;

export interface Beating {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly writer: StreamWriter;
  readonly state: () => FeedState;
}

/**
 * Writes ops.heartbeats every five seconds of the clock until the signal is aborted. A simulated clock may run hundreds of times as
 * fast: one sign of life a second of real time is enough.
 */
export async function beat({ clock, signal, writer, state }: Beating): Promise<void> {
  let last = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    if (performance.now() - last >= 1000) {
      last = performance.now();
      await writer.heartbeat(clock.now(), state());
    }
    await clock.sleep(HEARTBEAT_MS, signal);
  }
}
