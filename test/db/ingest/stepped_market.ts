// Streams with everything that lets them survive, on a market that is played as fast as they keep up, in simulated time.
import { join } from 'node:path';
import type { EasternUs } from '../../../core/eastern_time.ts';
import { withClient } from '../../../db/pool.ts';
import { type EquityStream, startEquities } from '../../../ingest/equities.ts';
import type { MarketStream, Recovery } from '../../../ingest/market_stream.ts';
import type { FeedTiming } from '../../../ingest/massive/feed_options.ts';
import { type OptionStream, startOptions } from '../../../ingest/options.ts';
import { type LiveFeeds, registerFeeds, simulatedFeeds } from '../../../ingest/stream_feed.ts';
import type { SpoolPlace } from '../../../ingest/stream_recovery.ts';
import {
  type MassiveSimulator,
  type MassiveSimulatorOptions,
  startMassiveSimulator,
} from '../../../sim/massive_server.ts';
import { at, session } from '../../sim/sessions.ts';
import { UNDERLYING } from './row_words.ts';

export const API_KEY = 'canary-stepped-77d0';
export const DATE = '2026-06-17';
/** Minutes and seconds of the session's first hour: `9:31:05`. */
export const on = (time: string): EasternUs => at(`${DATE} ${time.padStart(8, '0')}`);

export interface SteppedOptions {
  readonly url: string;
  /** Names the feeds. */
  readonly name: string;
  readonly simulator?: Partial<MassiveSimulatorOptions>;
  readonly recovery?: Partial<Recovery>;
  /** Folder of the spools; default none. */
  readonly spool?: SpoolPlace;
  readonly timing?: Partial<FeedTiming>;
  /** Where the streams find the vendor's websocket, e.g. through a proxy. */
  readonly wsUrl?: (simulator: MassiveSimulator) => Promise<string>;
  /** Prints instead of seconds. */
  readonly isPrints?: boolean;
  /** Streams wanted; default the equities alone. */
  readonly streams?: readonly ('equities' | 'options')[];
  /** Told the vendor's errors. */
  readonly onError?: (message: string) => void;
  /** True: the market waits until the streams have stored what came so far. Default every five seconds. */
  readonly isAwaited?: (now: EasternUs) => boolean;
  /** Called after each step. */
  readonly onStep?: (now: EasternUs, market: SteppedMarket) => void | Promise<void>;
}

export interface SteppedMarket {
  readonly simulator: MassiveSimulator;
  readonly feeds: LiveFeeds;
  readonly equities: EquityStream | null;
  readonly options: OptionStream | null;
  readonly notices: readonly string[];
  /** Plays to the end of the data; the streams stay open. */
  play(): Promise<void>;
  /** Resolves when everything received is stored. */
  settle(): Promise<void>;
  closeStreams(): Promise<void>;
  openStreams(): Promise<void>;
  stop(): Promise<void>;
}

function isFifth(now: EasternUs): boolean {
  return (now / 1_000_000) % 5 === 0;
}

interface Streams {
  readonly equities: EquityStream | null;
  readonly options: OptionStream | null;
}

const NONE: Streams = { equities: null, options: null };

function all({ equities, options }: Streams): MarketStream[] {
  return [equities, options].filter((stream) => stream !== null);
}

/** Three minutes of a session, from a minute before the open. */
export async function startStepped(wanted: SteppedOptions): Promise<SteppedMarket> {
  const feeds = await feedsOf(wanted);
  const notices: string[] = [];
  let open = NONE;
  const settle = async (): Promise<void> => {
    await Promise.all(all(open).map((stream) => stream.settle()));
  };
  const simulator = await startMassiveSimulator({
    ...session(DATE, '09:30', '09:33'),
    seed: 5,
    speed: 'max',
    apiKey: API_KEY,
    strikesEachSide: 2,
    from: on('9:29:00'),
    to: on('9:33:10'),
    afterStep: async (now) => {
      if (wanted.isAwaited?.(now) ?? isFifth(now)) {
        await settle();
        await open.options?.recentre();
      }
      await wanted.onStep?.(now, market);
    },
    ...wanted.simulator,
  });
  const market: SteppedMarket = {
    simulator,
    feeds,
    notices,
    settle,
    get equities() {
      return open.equities;
    },
    get options() {
      return open.options;
    },
    openStreams: async () => {
      open = await openStreams(wanted, { simulator, feeds, onNotice: (text) => notices.push(text) });
      await Promise.all(all(open).map((stream) => stream.subscribed));
      await open.options?.recentre();
    },
    closeStreams: async () => {
      const closing = all(open);
      open = NONE;
      await Promise.allSettled(closing.map((stream) => stream.close()));
    },
    play: async () => {
      await Promise.all(all(open).map((stream) => stream.subscribed));
      await open.options?.recentre();
      simulator.begin();
      await Promise.race([simulator.done, ...all(open).map((stream) => stream.failed)]);
    },
    stop: async () => {
      await market.closeStreams();
      await simulator.stop();
    },
  };
  open = await openStreams(wanted, { simulator, feeds, onNotice: (text) => notices.push(text) });
  return market;
}

async function feedsOf({ url, name, isPrints = false }: SteppedOptions): Promise<LiveFeeds> {
  const { ticks, quotes } = simulatedFeeds(name);
  const feeds = { ticks: isPrints ? { ...ticks, span_ms: 0 } : ticks, quotes };
  await withClient({ url, role: 'ingest_writer', name: 'test' }, (client) =>
    registerFeeds(client, feeds, UNDERLYING),
  );
  return feeds;
}

interface Opening {
  readonly simulator: MassiveSimulator;
  readonly feeds: LiveFeeds;
  readonly onNotice: (text: string) => void;
}

async function openStreams(
  wanted: SteppedOptions,
  { simulator, feeds, onNotice }: Opening,
): Promise<Streams> {
  const { restUrl, clock } = simulator;
  const { streams = ['equities'], spool } = wanted;
  const recovery = (stream: string): Recovery => ({
    restUrl,
    range: { from: on('9:29:00'), to: on('9:34:00') },
    busy: { from: on('9:30:00'), to: on('9:33:00') },
    spool: spool === undefined ? null : { ...spool, dir: join(spool.dir, stream) },
    settleMs: 2000,
    ...wanted.recovery,
  });
  const common = {
    databaseUrl: wanted.url,
    wsUrl: (await wanted.wsUrl?.(simulator)) ?? simulator.wsUrl,
    apiKey: API_KEY,
    clock,
    pacing: 'flow',
    // Real time: tests need not wait as long as a vendor wants us to.
    timing: { backoffFirstMs: 1, backoffMaxMs: 20, ackTimeoutMs: 1000, ...wanted.timing },
    onNotice,
    onError: ({ message }: { readonly message: string }) => wanted.onError?.(message),
  } as const;
  const equities = streams.includes('equities')
    ? await startEquities({
        ...common,
        recovery: recovery('equities'),
        feed: feeds.ticks,
        symbols: [UNDERLYING],
      })
    : null;
  const options = streams.includes('options')
    ? await startOptions({
        ...common,
        recovery: recovery('options'),
        restUrl,
        feed: feeds.quotes,
        underlying: UNDERLYING,
        sessionDate: simulator.session.sessionDate,
        // Every contract that is listed: what is streamed does not depend on the price.
        strikes: 9,
        lastPrice: () => 6_100_000,
      })
    : null;
  return { equities, options };
}
