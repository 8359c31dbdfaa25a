// A live paper run on the simulator, in lock-step: the same ingester, rules and broker as live, and the same rows on any machine.
import type { EasternUs } from '../core/eastern_time.ts';
import { type EquityStream, startEquities } from '../ingest/equities.ts';
import type { MarketStream } from '../ingest/market_stream.ts';
import { type OptionStream, startOptions } from '../ingest/options.ts';
import type { LiveFeeds } from '../ingest/stream_feed.ts';
import type { Slice } from '../jobs/advance.ts';
import { type LiveOutcome, type LiveRun, openLive } from '../jobs/live.ts';
import { type MassiveSimulator, startMassiveSimulator } from '../sim/massive_server.ts';
import type { SessionArguments } from '../sim/session.ts';

export interface SimulatedSessionOptions {
  readonly databaseUrl: string;
  readonly session: SessionArguments;
  readonly seed: number;
  /** Multiple of real time, or `max`. It changes nothing but the time that it takes. */
  readonly speed: number | 'max';
  readonly feeds: LiveFeeds;
  readonly underlying: string;
  readonly strategy: string;
  /** Parameters of the strategy for this run only; `account` belongs here. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Strikes streamed around the money. */
  readonly strikes: number;
  /** Simulated seconds between two stores and slices; default 5. Slices of any length give the same rows. */
  readonly sliceSeconds?: number;
  /** Ends the session early, the run as stopped. */
  readonly signal: AbortSignal;
  readonly onStart?: (parts: SimulatedParts) => void | Promise<void>;
  /** Awaited after each slice, with everything before `now` stored and decided. */
  readonly onStep?: (now: EasternUs) => void | Promise<void>;
  readonly onSlice?: (slice: Slice) => void;
}

export interface SimulatedParts {
  readonly simulator: MassiveSimulator;
  readonly equities: EquityStream;
  readonly options: OptionStream;
  readonly run: LiveRun;
}

// Never leaves this machine: the simulator checks it as the vendor would.
const API_KEY = 'simulated';
const SLICE_SECONDS = 5;
const SECOND_US = 1_000_000;

/** Plays the session to its end, or until the signal is aborted. Rejects when a part fails; everything is closed in any case. */
export async function playSimulatedSession(options: SimulatedSessionOptions): Promise<LiveOutcome> {
  let parts: SimulatedParts | null = null;
  const simulator = await startMassiveSimulator({
    ...options.session,
    seed: options.seed,
    speed: options.speed,
    symbols: [options.underlying],
    apiKey: API_KEY,
    prints: false,
    afterStep: async (now) => {
      if (parts !== null && isSliceEnd(now, options)) await takeStep(parts, options, now);
    },
  });
  const stop = (): void => void simulator.stop();
  options.signal.addEventListener('abort', stop, { once: true });
  const started: MarketStream[] = [];
  let outcome: LiveOutcome | null = null;
  try {
    parts = await startParts(simulator, options, started);
    await options.onStart?.(parts);
    simulator.begin();
    await Promise.race([simulator.done, ...started.map((stream) => stream.failed)]);
    outcome = await parts.run.close('stopped');
    return outcome;
  } finally {
    options.signal.removeEventListener('abort', stop);
    await simulator.stop();
    await Promise.all(started.map((stream) => stream.close()));
    if (outcome === null) await parts?.run.close('failed').catch(() => undefined);
  }
}

// One second after every minute a slice ends, since periods wait that long for late ticks.
function isSliceEnd(now: EasternUs, options: SimulatedSessionOptions): boolean {
  const { sliceSeconds = SLICE_SECONDS } = options;
  return (now / SECOND_US) % sliceSeconds === 1 % sliceSeconds;
}

async function takeStep(
  parts: SimulatedParts,
  options: SimulatedSessionOptions,
  now: EasternUs,
): Promise<void> {
  // The simulator knows what no vendor tells: nothing from before `now` is still to come.
  await Promise.all([parts.equities.settle(now), parts.options.settle(now)]);
  await parts.options.recentre();
  if (!parts.run.isOver()) await parts.run.step(now);
  await options.onStep?.(now);
}

async function startParts(
  simulator: MassiveSimulator,
  options: SimulatedSessionOptions,
  started: MarketStream[],
): Promise<SimulatedParts> {
  const { databaseUrl, feeds, underlying, strikes } = options;
  const { wsUrl, restUrl, clock, session } = simulator;
  const common = { databaseUrl, wsUrl, apiKey: API_KEY, clock, pacing: 'lockstep' } as const;
  const equities = await startEquities({ ...common, feed: feeds.ticks, symbols: [underlying] });
  started.push(equities);
  const chain = await startOptions({
    ...common,
    restUrl,
    feed: feeds.quotes,
    underlying,
    sessionDate: session.sessionDate,
    strikes,
    lastPrice: () => equities.lastPrice(underlying),
    signal: options.signal,
  });
  started.push(chain);
  await Promise.all([equities.subscribed, chain.subscribed]);
  const run = await openLive({
    url: databaseUrl,
    clock,
    strategy: options.strategy,
    settings: options.settings,
    tickFeed: feeds.ticks.name,
    quoteFeed: feeds.quotes.name,
    broker: 'paper',
    session: { from: session.tsStart, to: session.tsEnd, optionClose: session.tsOptionClose },
    ...(options.onSlice === undefined ? {} : { onSlice: options.onSlice }),
  });
  return { simulator, equities, options: chain, run };
}
