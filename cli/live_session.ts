// A live paper run of one session on a vendor's streams: the streams flow, the run follows their marks.
import type { Clock } from '../core/clock.ts';
import { Failure } from '../core/failure.ts';
import { isLoopback } from '../core/loopback.ts';
import { withClient } from '../db/pool.ts';
import { type EquityStream, startEquities } from '../ingest/equities.ts';
import type { MarketStream } from '../ingest/market_stream.ts';
import { type OptionStream, startOptions } from '../ingest/options.ts';
import { type LiveFeeds, registerFeeds } from '../ingest/stream_feed.ts';
import { followLive, type LiveOutcome, type LiveRun, openLive } from '../jobs/live.ts';
import { type MarketSession, rangeOf } from './market_sessions.ts';

export interface LiveSessionOptions {
  readonly databaseUrl: string;
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly feeds: LiveFeeds;
  readonly session: MarketSession;
  readonly underlying: string;
  readonly strategy: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Strikes streamed around the money. */
  readonly strikes: number;
  /** Ends the session early, the run as stopped. */
  readonly signal: AbortSignal;
  /** Awaited when all is connected and before the first slice. */
  readonly onStart?: (parts: LiveParts) => void | Promise<void>;
  /** One line for each thing worth telling the operator. */
  readonly onNotice?: (text: string) => void;
}

export interface LiveParts {
  readonly run: LiveRun;
  readonly equities: EquityStream;
  readonly options: OptionStream;
}

/**
 * Trades the session until its options close, or until the signal is aborted. Rejects when the vendor refuses us or the database
 * is gone for good; everything is closed in any case, and a further start goes on where this one ended.
 */
export async function tradeLiveSession(options: LiveSessionOptions): Promise<LiveOutcome> {
  assertClock(options);
  const { databaseUrl, feeds, underlying, clock, signal } = options;
  await withClient({ url: databaseUrl, role: 'ingest_writer', name: 'live' }, (client) =>
    registerFeeds(client, feeds, underlying),
  );
  // The account comes first: of two connections with one key the vendor ends the older, which may be trading.
  const run = await openRun(options);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const streams: MarketStream[] = [];
  const loops: Promise<void>[] = [];
  let failure: { readonly error: unknown } | null = null;
  try {
    const parts = await startStreams(run, options, streams);
    await options.onStart?.(parts);
    loops.push(parts.options.follow(ending.signal), followLive(run, { clock, signal: ending.signal }));
    // The loop over the strikes ends with an error or with the session.
    await Promise.race([loops[1], failureOf(loops[0]), ...streams.map((stream) => stream.failed)]);
  } catch (error) {
    // What fails because it was told to end has not failed.
    if (!signal.aborted) failure = { error };
  }
  signal.removeEventListener('abort', end);
  end();
  await Promise.allSettled([...loops, ...streams.map((stream) => stream.close())]);
  return closeRun(run, failure);
}

/** Closes the run; with a failure it is closed as failed and the failure thrown. */
export async function closeRun(
  run: LiveRun,
  failure: { readonly error: unknown } | null,
): Promise<LiveOutcome> {
  if (failure === null) return run.close('stopped');
  await run.close('failed').catch(() => undefined);
  throw failure.error;
}

function failureOf(loop: Promise<void> | undefined): Promise<never> {
  return new Promise((_, reject) => {
    loop?.catch(reject);
  });
}

// A simulated time must never decide over real money.
function assertClock({ clock, wsUrl, restUrl }: LiveSessionOptions): void {
  if (clock.kind === 'system' || (isLoopback(wsUrl) && isLoopback(restUrl))) return;
  throw new Failure('a simulated clock is accepted only with a simulator on this machine', {
    hint: 'Use the system clock with a real vendor.',
  });
}

function openRun(options: LiveSessionOptions): Promise<LiveRun> {
  const { databaseUrl, clock, strategy, settings, feeds, session } = options;
  return openLive({
    url: databaseUrl,
    clock,
    strategy,
    settings,
    tickFeed: feeds.ticks.name,
    quoteFeed: feeds.quotes.name,
    broker: 'paper',
    session: { ...rangeOf(session), optionClose: session.tsOptionClose },
  });
}

async function startStreams(
  run: LiveRun,
  options: LiveSessionOptions,
  started: MarketStream[],
): Promise<LiveParts> {
  const { databaseUrl, wsUrl, restUrl, apiKey, clock, feeds, underlying, strikes, session, signal } = options;
  const common = { databaseUrl, wsUrl, apiKey, clock, pacing: 'flow' } as const;
  const equities = await startEquities({
    ...common,
    ...noticesOf('equities', options),
    feed: feeds.ticks,
    symbols: [underlying],
  });
  started.push(equities);
  const chain = await startOptions({
    ...common,
    ...noticesOf('options', options),
    restUrl,
    feed: feeds.quotes,
    underlying,
    sessionDate: session.sessionDate,
    strikes,
    lastPrice: () => equities.lastPrice(underlying),
    signal,
  });
  started.push(chain);
  await subscribed([equities, chain], signal);
  return { run, equities, options: chain };
}

/** Resolves when the streams have subscribed, or when the signal is aborted; rejects when one of them fails. */
export async function subscribed(streams: readonly MarketStream[], signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([aborted, Promise.all(streams.map((stream) => stream.subscribed))]);
}

function noticesOf(
  stream: string,
  { onNotice }: LiveSessionOptions,
): Pick<Parameters<typeof startEquities>[0], 'onState' | 'onError'> {
  if (onNotice === undefined) return {};
  return {
    onState: ({ state, reason, unacknowledged }) => {
      if (reason !== null) onNotice(`${stream}: ${state}, ${reason}`);
      if (unacknowledged.length > 0) {
        onNotice(`${stream}: no answer for ${unacknowledged.slice(0, 3).join(', ')}; is it in your plan?`);
      }
    },
    onError: ({ message }) => onNotice(`${stream}: Massive says: ${message}`),
  };
}
