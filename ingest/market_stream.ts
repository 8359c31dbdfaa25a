// One stream from the vendor's socket to the database: a feed, a bounded queue of frames, batches, a writer.
import type { Clock } from '../core/clock.ts';
import type { EquityTick } from '../core/domain.ts';
import type { EasternUs } from '../core/eastern_time.ts';
import { createBatcher } from './batch.ts';
import { MassiveFeed } from './massive/feed.ts';
import type { FeedState, FeedStateChange, FeedTiming, RawFrame } from './massive/feed_options.ts';
import { createFrameQueue } from './massive/frame_queue.ts';
import { type MappedFrame, mapFrame, type StatusMessage } from './massive/mapper.ts';
import { rejectedRow } from './massive/rejected.ts';
import type { StreamFeed } from './stream_feed.ts';
import { createStreamWriter, type StreamWriter } from './stream_writer.ts';

export interface StreamCounts {
  /** Rows stored by this process. */
  readonly inserted: number;
  /** Rows that were there already. */
  readonly duplicate: number;
  readonly rejected: number;
}

/** What every stream is told. */
export interface StreamOptions {
  readonly databaseUrl: string;
  /** Without the market: `wss://socket.massive.com`, or a simulator's address. */
  readonly wsUrl: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly feed: StreamFeed;
  /**
   * `flow` stores what has come as soon as the previous batch is stored; `lockstep` stores on `settle` only, for a simulator that
   * waits for us. One step must then fit into the queue.
   */
  readonly pacing: 'flow' | 'lockstep';
  readonly timing?: Partial<FeedTiming>;
  readonly onState?: (change: FeedStateChange) => void;
  /** The vendor's errors, e.g. `not authorized` for a channel that the plan lacks. */
  readonly onError?: (status: StatusMessage) => void;
}

export interface MarketStreamOptions extends StreamOptions {
  /** Name of the stream in ops.stream_marks. */
  readonly stream: string;
  readonly market: 'stocks' | 'options';
  readonly subscriptions: readonly string[];
  readonly writer: StreamWriter;
  /** Called with the ticks of each frame, before they are stored. */
  readonly onTicks?: (ticks: readonly EquityTick[]) => void;
}

export interface MarketStream {
  readonly feed: MassiveFeed;
  readonly writer: StreamWriter;
  /** Resolves when the first connection has subscribed. Rejects as `failed` does. */
  readonly subscribed: Promise<void>;
  /** Never resolves; rejects when the vendor refuses us or the database is gone for good. */
  readonly failed: Promise<never>;
  /** Resolves when everything received so far is stored; with `completeTo`, the caller knows that nothing before it can come. */
  settle(completeTo?: EasternUs): Promise<void>;
  counts(): StreamCounts;
  /** Leaves the vendor, stores what was received, closes the connection; gives up on a lost database after three seconds. */
  close(): Promise<void>;
}

const MAX_QUEUED_BYTES = 16 << 20;
const MAX_BATCH_FRAMES = 500;
const MAX_QUEUED_FRAMES = 2000;
const HEARTBEAT_MS = 5000;
const CLOSE_MS = 3000;

interface Received {
  readonly mapped: MappedFrame;
  readonly receivedAt: EasternUs;
  readonly completeTo: EasternUs | null;
}

const NOTHING: MappedFrame = { ticks: [], quotes: [], trades: [], statuses: [], rejected: [] };

/** Runs the stream until `close`. `giveUp` is aborted when a lost database need not be waited for any longer. */
function runStream(options: MarketStreamOptions, giveUp: AbortController): MarketStream {
  const { clock, writer } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const failure = rejectable();
  const counts = { inserted: 0, duplicate: 0, rejected: 0 };
  const subscribed = latch();

  const feed = new MassiveFeed({
    url: `${options.wsUrl}/${options.market}`,
    apiKey: options.apiKey,
    subscriptions: options.subscriptions,
    clock,
    signal,
    onFrame: (frame) => queue.push(frame),
    onState: (change) => {
      if (change.state === 'subscribed') subscribed.open();
      options.onState?.(change);
      writer.noteState(change).catch(failure.reject);
    },
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    timing: options.timing ?? {},
  });
  const queue = createFrameQueue({
    maxBytes: MAX_QUEUED_BYTES,
    pause: () => feed.pause(),
    resume: () => feed.resume(),
  });
  const batcher = createBatcher<Received>({
    maxBatch: MAX_BATCH_FRAMES,
    maxQueued: MAX_QUEUED_FRAMES,
    flush: async (received) => {
      const stored = await writer.write(merge(received, feed));
      counts.inserted += stored.inserted;
      counts.duplicate += stored.duplicate;
    },
  });

  const take = (frame: RawFrame): Received => {
    const mapped = onlyRowsOf(options.feed, mapFrame(frame.data, frame.ts_recv));
    counts.rejected += mapped.rejected.length;
    if (mapped.ticks.length > 0) options.onTicks?.(mapped.ticks);
    return { mapped, receivedAt: frame.ts_recv, completeTo: null };
  };
  const settle = async (completeTo?: EasternUs): Promise<void> => {
    const received = queue.drain().map(take);
    if (completeTo !== undefined) received.push({ mapped: NOTHING, receivedAt: clock.now(), completeTo });
    await batcher.push(received);
    await batcher.drain();
  };
  const flow = async (): Promise<void> => {
    while (!signal.aborted) {
      await queue.ready(signal);
      await batcher.push(queue.drain().map(take));
    }
  };

  const connected = Promise.race([subscribed.opened, failure.promise]);
  connected.catch(() => {});
  const running = feed.run().catch(failure.reject);
  if (options.pacing === 'flow') flow().catch(failure.reject);
  void beat({ clock, signal, writer, state: () => feed.state }).catch(failure.reject);
  return {
    feed,
    writer,
    subscribed: connected,
    failed: failure.promise,
    settle,
    counts: () => ({ ...counts }),
    close: async () => {
      stopping.abort();
      const late = setTimeout(() => giveUp.abort(), CLOSE_MS);
      await running;
      await settle().catch(failure.reject);
      await writer.close();
      clearTimeout(late);
    },
  };
}

/** Opens the writer, lets `prepare` say what to subscribe to, and starts the stream. */
export async function startStream(
  options: Omit<MarketStreamOptions, 'writer' | 'subscriptions'>,
  prepare: (writer: StreamWriter) => Promise<readonly string[]>,
): Promise<MarketStream> {
  const giveUp = new AbortController();
  const { databaseUrl, stream, feed } = options;
  const writer = await createStreamWriter({ url: databaseUrl, stream, feed, signal: giveUp.signal });
  try {
    const subscriptions = await prepare(writer);
    return runStream({ ...options, writer, subscriptions }, giveUp);
  } catch (error) {
    await writer.close();
    throw error;
  }
}

// Seconds and minutes of one feed would add up twice: a span that was not asked for is refused.
function onlyRowsOf(feed: StreamFeed, mapped: MappedFrame): MappedFrame {
  if (feed.kind === 'option') return mapped.ticks.length === 0 ? mapped : { ...mapped, ticks: [] };
  const others = mapped.ticks.filter((tick) => tick.span_ms !== feed.span_ms);
  if (others.length === 0) return mapped;
  const reason = `its span is not the feed's ${feed.span_ms} ms`;
  return {
    ...mapped,
    ticks: mapped.ticks.filter((tick) => tick.span_ms === feed.span_ms),
    rejected: [...mapped.rejected, ...others.map((tick) => rejectedRow(tick, reason))],
  };
}

// The mark speaks for these rows in the transaction that stores them.
function merge(received: readonly Received[], feed: MassiveFeed): Parameters<StreamWriter['write']>[0] {
  for (const { mapped } of received) feed.observe(mapped);
  const known = received.findLast((each) => each.completeTo !== null)?.completeTo ?? null;
  return {
    ticks: received.flatMap((each) => each.mapped.ticks),
    quotes: received.flatMap((each) => each.mapped.quotes),
    trades: received.flatMap((each) => each.mapped.trades),
    rejected: received.flatMap((each) => each.mapped.rejected),
    completeTo: known ?? feed.highWater(),
    receivedAt: received.at(-1)?.receivedAt as EasternUs,
  };
}

interface Beating {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly writer: StreamWriter;
  readonly state: () => FeedState;
}

// A simulated clock may run hundreds of times as fast: one sign of life a second of real time is enough.
async function beat({ clock, signal, writer, state }: Beating): Promise<void> {
  let last = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    if (performance.now() - last >= 1000) {
      last = performance.now();
      await writer.heartbeat(clock.now(), state());
    }
    await clock.sleep(HEARTBEAT_MS, signal);
  }
}

function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

function rejectable(): { readonly promise: Promise<never>; readonly reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  // Whoever waits for it sees the error; nobody waiting is no reason to end the process with a stack trace.
  promise.catch(() => {});
  return { promise, reject };
}
