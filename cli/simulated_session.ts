// A live paper run on the simulator, in lock-step: the same ingester, rules and broker as live, and the same rows on any machine.
import { systemClock } from '../core/clock.ts';
import type { EasternUs } from '../core/eastern_time.ts';
import { type EquityStream, startEquities } from '../ingest/equities.ts';
import type { MarketStream } from '../ingest/market_stream.ts';
import { type OptionStream, startOptions } from '../ingest/options.ts';
import type { LiveFeeds } from '../ingest/stream_feed.ts';
import type { Slice } from '../jobs/advance.ts';
import { type LiveOptions, type LiveOutcome, type LiveRun, openLive } from '../jobs/live.ts';
import { type MassiveSimulator, startMassiveSimulator } from '../sim/massive_server.ts';
import type { SessionArguments } from '../sim/session.ts';
import { type SimulatedDesk, startSimulatedDesk } from './simulated_desk.ts';

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
  /** Who fills the orders: `paper` (default), or the Schwab client over HTTP at a simulated Schwab. */
  readonly broker?: 'paper' | 'schwab';
  /** Simulated seconds between two stores and slices, a divisor of 10; default 10. Slices of any length give the same rows. */
  readonly sliceSeconds?: number;
  /** Ends the session early, the run as stopped. A further start with the same account, feeds and seed goes on where it ended. */
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
  /** Null on paper. */
  readonly desk: SimulatedDesk | null;
}

// Never leaves this machine: the simulator checks it as the vendor would.
const API_KEY = 'simulated';
// A simulator that was told to end acknowledges nothing: it must not be waited for.
const TIMING = { ackTimeoutMs: 2000 };
const SLICE_SECONDS = 10;
const SMOOTH_BELOW = 50;
// Apart from the slices: which contracts are streamed must not depend on their length.
const RECENTRE_SECONDS = 10;
const SECOND_US = 1_000_000;
const wallClock = systemClock();

/**
 * Plays the session to its end, or until the signal is aborted; the feeds are registered. Rejects when a part fails; everything
 * is closed in any case.
 */
export async function playSimulatedSession(options: SimulatedSessionOptions): Promise<LiveOutcome> {
  const { signal } = options;
  let parts: SimulatedParts | null = null;
  let desk: SimulatedDesk | null = null;
  const pace = createPace(options);
  const simulator = await startMassiveSimulator({
    ...options.session,
    seed: options.seed,
    // The pace is kept here: what a run that goes on has seen already is played through at once.
    speed: 'max',
    symbols: [options.underlying],
    apiKey: API_KEY,
    prints: false,
    onEvents: (market, events) => desk?.schwab.onEvents(market, events),
    afterStep: async (now) => {
      if (parts === null) return;
      await takeStep(parts, options, now);
      if (now >= parts.run.beganAt) await pace(now);
    },
  });
  const stop = (): void => void simulator.stop();
  signal.addEventListener('abort', stop, { once: true });
  const streams: MarketStream[] = [];
  let failure: { readonly error: unknown } | null = null;
  const run = await openLive(liveOptions(simulator, options)).catch(async (error: unknown) => {
    await simulator.stop();
    throw error;
  });
  try {
    desk = await openDesk(run, simulator, options);
    parts = { simulator, run, desk, ...(await startStreams(simulator, options, streams)) };
    await options.onStart?.(parts);
    simulator.begin();
    await Promise.race([simulator.done, ...streams.map((stream) => stream.failed)]);
  } catch (error) {
    if (!signal.aborted) failure = { error };
  }
  signal.removeEventListener('abort', stop);
  await simulator.stop();
  await Promise.allSettled([...streams.map((stream) => stream.close()), desk?.close()]);
  return closeRun(run, failure);
}

async function openDesk(
  run: LiveRun,
  { clock }: MassiveSimulator,
  { broker, databaseUrl: url, seed, strategy }: SimulatedSessionOptions,
): Promise<SimulatedDesk | null> {
  if (broker !== 'schwab') return null;
  const desk = await startSimulatedDesk({ clock, seed });
  await desk.open({ url, account: run.account, strategy });
  return desk;
}

/** Seconds a slice at a speed: slowly played, ten at a time would be seen to jerk. */
export function sliceSecondsAt(speed: number | 'max'): number {
  return speed === 'max' || speed >= SMOOTH_BELOW ? SLICE_SECONDS : 1;
}

// One second after every minute is such an instant, since periods wait that long for late ticks.
function isEvery(seconds: number, now: EasternUs): boolean {
  return (now / SECOND_US) % seconds === 1 % seconds;
}

/** Waits until a step is due; the first one sets the time. */
function createPace({ speed, signal }: SimulatedSessionOptions): (now: EasternUs) => Promise<void> {
  let origin: { readonly market: EasternUs; readonly wall: EasternUs } | null = null;
  return async (now) => {
    if (speed === 'max') return;
    origin ??= { market: now, wall: wallClock.now() };
    const aheadUs = (now - origin.market) / speed - (wallClock.now() - origin.wall);
    if (aheadUs >= 1000) await wallClock.sleep(aheadUs / 1000, signal);
  };
}

async function takeStep(
  parts: SimulatedParts,
  options: SimulatedSessionOptions,
  now: EasternUs,
): Promise<void> {
  if (!isEvery(options.sliceSeconds ?? SLICE_SECONDS, now)) return;
  // The simulator knows what no vendor tells: nothing from before `now` is still to come.
  await Promise.all([parts.equities.settle(now), parts.options.settle(now)]);
  if (isEvery(RECENTRE_SECONDS, now)) await parts.options.recentre();
  if (!parts.run.isOver()) await parts.run.step(now);
  await parts.desk?.afterSlice(now);
  await options.onStep?.(now);
}

function liveOptions(simulator: MassiveSimulator, options: SimulatedSessionOptions): LiveOptions {
  const { databaseUrl, feeds, strategy, settings, broker = 'paper', onSlice } = options;
  const { clock, session } = simulator;
  return {
    url: databaseUrl,
    clock,
    strategy,
    settings,
    tickFeed: feeds.ticks.name,
    quoteFeed: feeds.quotes.name,
    broker,
    session: { from: session.tsStart, to: session.tsEnd, optionClose: session.tsOptionClose },
    ...(onSlice === undefined ? {} : { onSlice }),
  };
}

async function startStreams(
  simulator: MassiveSimulator,
  options: SimulatedSessionOptions,
  started: MarketStream[],
): Promise<Pick<SimulatedParts, 'equities' | 'options'>> {
  const { databaseUrl, feeds, underlying, strikes, signal } = options;
  const { wsUrl, restUrl, clock, session } = simulator;
  const common = { databaseUrl, wsUrl, apiKey: API_KEY, clock, pacing: 'lockstep', timing: TIMING } as const;
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
    signal,
  });
  started.push(chain);
  await subscribed([equities, chain], signal);
  return { equities, options: chain };
}

/** Resolves when the streams have subscribed, or when the signal is aborted; rejects when one of them fails. */
async function subscribed(streams: readonly MarketStream[], signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([aborted, Promise.all(streams.map((stream) => stream.subscribed))]);
}

/** Closes the run; with a failure it is closed as failed and the failure thrown. */
async function closeRun(run: LiveRun, failure: { readonly error: unknown } | null): Promise<LiveOutcome> {
  if (failure === null) return run.close('stopped');
  await run.close('failed').catch(() => undefined);
  throw failure.error;
}
