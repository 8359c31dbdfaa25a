// A feed under test with everything that it said.
import { acceleratedClock, type Clock } from '../../../core/clock.ts';
import { MassiveFeed } from '../../../ingest/massive/feed.ts';
import type { FeedStateChange, FeedTiming, RawFrame } from '../../../ingest/massive/feed_options.ts';
import type { StatusMessage } from '../../../ingest/massive/mapper.ts';
import { at } from '../../sim/sessions.ts';

export interface FeedUnderTest {
  readonly feed: MassiveFeed;
  readonly run: Promise<void>;
  readonly frames: RawFrame[];
  readonly changes: FeedStateChange[];
  readonly errors: StatusMessage[];
  /** Resolves with the `nth` (1 is the first) change into the state, past or to come. */
  when(state: FeedStateChange['state'], nth?: number): Promise<FeedStateChange>;
  stop(): Promise<void>;
}

export interface FeedTestOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly subscriptions?: readonly string[];
  readonly apiKey?: string;
  readonly timing?: Partial<FeedTiming>;
  readonly onFrame?: (frame: RawFrame) => void;
  readonly random?: () => number;
  /** How many times as fast as real ones the feed's timers run; default 10. */
  readonly transportSpeed?: number;
}

export const API_KEY = 'canary-key-3f9a';

/** Starts a feed with timers faster than real ones, but slow enough for a busy machine. */
export function startFeed(options: FeedTestOptions): FeedUnderTest {
  const stopping = new AbortController();
  const frames: RawFrame[] = [];
  const changes: FeedStateChange[] = [];
  const errors: StatusMessage[] = [];
  const watchers = new Set<() => void>();
  const feed = new MassiveFeed({
    apiKey: API_KEY,
    subscriptions: ['A.QQQ'],
    onFrame: (frame) => frames.push(frame),
    onState: (change) => {
      changes.push(change);
      for (const watch of watchers) watch();
    },
    onError: (status) => errors.push(status),
    signal: stopping.signal,
    transport: acceleratedClock({ start: at('2026-11-20 09:00:00'), speed: options.transportSpeed ?? 10 }),
    ...options,
  });
  const when = (state: FeedStateChange['state'], nth = 1): Promise<FeedStateChange> =>
    new Promise((resolve) => {
      const watch = (): void => {
        const change = changes.filter((each) => each.state === state)[nth - 1];
        if (change === undefined) return;
        watchers.delete(watch);
        resolve(change);
      };
      watchers.add(watch);
      watch();
    });
  const run = feed.run();
  // A test that expects a refusal awaits `run` itself.
  run.catch(() => {});
  const stop = async (): Promise<void> => {
    stopping.abort();
    await run.catch(() => {});
  };
  return { feed, run, frames, changes, errors, when, stop };
}
