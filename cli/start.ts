// `strikebase start`: the live paper run on whatever feed is configured, session after session until it is stopped.
import { Command } from 'commander';
import type pg from 'pg';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Config, loadConfig, runSettings } from '../core/config.ts';
import { dateOf, formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { discoverContracts } from '../ingest/massive/contracts.ts';
import { MASSIVE_FEEDS, registerFeeds, simulatedFeeds } from '../ingest/stream_feed.ts';
import type { LiveOutcome, LiveRun } from '../jobs/live.ts';
import { summarizeRun } from '../jobs/run_summary.ts';
import { type Database, withDatabase } from './database.ts';
import { parseSeed, parseSpeed } from './demo.ts';
import { underlyingOf } from './demo_setup.ts';
import { interrupt } from './interrupt.ts';
import { tradeLiveSession } from './live_session.ts';
import {
  currentOrNextSession,
  describeSession,
  type MarketSession,
  nextSimulatedSession,
  rangeOf,
} from './market_sessions.ts';
import { withDb, withExamples } from './options.ts';
import { printReport } from './run_report.ts';
import { type RunWatch, watchedRun, watchRun } from './run_watch.ts';
import { playSimulatedSession, sliceSecondsAt } from './simulated_session.ts';
import { note } from './terminal.ts';

interface StartOptions {
  readonly strategy: string;
  readonly speed?: number | 'max';
  readonly seed?: number;
  readonly db?: string;
}

interface Started {
  readonly database: Database;
  readonly config: Config;
  readonly strategy: string;
  readonly underlying: string;
  /** Reads as job_runner. */
  readonly client: pg.ClientBase;
}

const STRIKES = 21;
const SIMULATED_STRIKES = 11;
const LINE_EVERY_MS = 5 * 60_000;
// A machine that sleeps wakes up with its timers late: looked at every minute, the open is not missed.
const WAIT_STEP_MS = 60_000;
const VIEW_MS = 250;
const DEFAULT_SEED = 1;

/** The subcommand. */
export function startCommand(): Command {
  const command = new Command('start')
    .description(
      'Trades live on paper: market data into the database, the rules, orders filled on the quotes, none sent to a broker. With ' +
        'POLYGON_API_KEY the data is Massive’s; without it, a simulated session. Ctrl-C or SIGTERM ends it cleanly; the next ' +
        'start goes on with what is open.',
    )
    .option('--strategy <name>', 'strategy to run', 'vwap_ma9')
    .option('--speed <n>', 'simulated session only: times real time, or max (default: 1)', parseSpeed)
    .option('--seed <n>', `simulated session only: which market (default: ${DEFAULT_SEED})`, parseSeed);
  return withExamples(withDb(command), 'start', 'start --speed 60', 'start --strategy vwap_ma9').action(
    (options: StartOptions) => withDatabase({ db: options.db }, (database) => start(database, options)),
  );
}

async function start(database: Database, options: StartOptions): Promise<void> {
  const config = loadConfig();
  if (config.broker !== 'paper') {
    throw new Failure(`BROKER=${config.broker}: this version trades on paper only`, {
      hint: 'Set BROKER=paper.',
    });
  }
  const client = await database.connect('job_runner');
  const { strategy } = options;
  const underlying = await underlyingOf(client, strategy);
  note('PAPER trading: orders are filled on the quotes here, none is sent to a broker');
  const started = { database, config, strategy, underlying, client };
  if (config.massiveApiKey === null) return startSimulated(started, options);
  if (options.speed !== undefined || options.seed !== undefined) {
    throw new Failure('--speed and --seed belong to the simulated session, and POLYGON_API_KEY is set', {
      hint: 'Leave them out, or unset the key.',
      exitCode: 2,
    });
  }
  await startMassive(started, config.massiveApiKey);
}

async function startSimulated(started: Started, options: StartOptions): Promise<void> {
  const { database, client, strategy, underlying, config } = started;
  const { seed = DEFAULT_SEED, speed = 1 } = options;
  // Feeds and account of its own: another seed is another market, and two markets of one day must not mix.
  const account = `${strategy}-sim-${seed}`;
  const feeds = simulatedFeeds(`start-${seed}`);
  await registerFeeds(await database.connect('ingest_writer'), feeds, underlying);
  const session = await nextSimulatedSession(client, account, systemClock().now());
  note(
    `no POLYGON_API_KEY: simulated quotes, seed ${seed}, ${speed === 'max' ? 'as fast as possible' : `${speed} x real time`}`,
  );
  noteSession(session, strategy, account);
  const watch = watchOf(started, 'simulated quotes');
  let lastStep = session.tsOpen;
  let outcome: LiveOutcome;
  try {
    outcome = await playSimulatedSession({
      databaseUrl: database.url,
      session,
      seed,
      speed,
      feeds,
      underlying,
      strategy,
      settings: { ...runSettings(config), account },
      strikes: SIMULATED_STRIKES,
      sliceSeconds: sliceSecondsAt(speed),
      signal: interrupt(),
      onStart: (parts) => {
        watch.announce(describeRun(parts.run));
        watch.begin(watchedRun(parts, underlying));
      },
      onStep: async (now) => {
        lastStep = now;
        await watch.update(now);
      },
    });
  } finally {
    await watch.end(lastStep);
  }
  await report(client, outcome);
}

async function startMassive(started: Started, apiKey: string): Promise<void> {
  const { client, config, underlying } = started;
  const clock = systemClock();
  const signal = interrupt();
  note(`feed: Massive at ${config.massiveWsUrl}`);
  while (!signal.aborted) {
    const session = await currentOrNextSession(client, clock.now());
    // A key that is refused should be known now, not when the session begins.
    await discoverContracts({
      restUrl: config.massiveRestUrl,
      apiKey,
      underlying,
      expiration: session.sessionDate,
      signal,
    });
    await waitFor(session, { clock, signal });
    if (signal.aborted) return;
    await report(client, await tradeMassive(started, { apiKey, clock, session }));
  }
}

async function waitFor(
  session: MarketSession,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const { from } = rangeOf(session);
  if (clock.now() >= from) return;
  const reason = dateOf(clock.now()) === session.sessionDate ? 'before the session' : 'no session now';
  note(`${reason}; waiting for ${describeSession(session)}, data from ${formatEastern(from).slice(11, 16)}`);
  while (!signal.aborted && clock.now() < from) {
    await clock.sleep(Math.min(WAIT_STEP_MS, (from - clock.now()) / 1000), signal);
  }
}

async function tradeMassive(
  started: Started,
  at: { readonly apiKey: string; readonly clock: Clock; readonly session: MarketSession },
): Promise<LiveOutcome> {
  const { database, config, strategy, underlying } = started;
  const watch = watchOf(started, 'recorded quotes');
  const over = new AbortController();
  const view = async (): Promise<void> => {
    while (!over.signal.aborted) {
      // The view must never end the trading.
      await watch.update(at.clock.now()).catch(() => undefined);
      await at.clock.sleep(VIEW_MS, over.signal);
    }
  };
  let viewing: Promise<void> = Promise.resolve();
  try {
    return await tradeLiveSession({
      ...at,
      databaseUrl: database.url,
      wsUrl: config.massiveWsUrl,
      restUrl: config.massiveRestUrl,
      feeds: MASSIVE_FEEDS,
      underlying,
      strategy,
      settings: runSettings(config),
      strikes: STRIKES,
      signal: interrupt(),
      onNotice: watch.announce,
      onStart: (parts) => {
        noteSession(at.session, strategy, parts.run.account);
        watch.announce(describeRun(parts.run));
        watch.begin(watchedRun(parts, underlying));
        viewing = view();
      },
    });
  } finally {
    over.abort();
    await viewing;
    await watch.end(at.clock.now());
  }
}

function watchOf({ client, underlying }: Started, label: string): RunWatch {
  return watchRun({ client, title: 'start', underlying, label, lineEveryMs: LINE_EVERY_MS });
}

function noteSession(session: MarketSession, strategy: string, account: string): void {
  note(`strategy ${strategy}, account ${account}, session ${describeSession(session)}`);
}

function describeRun({ runId, isResumed }: LiveRun): string {
  return isResumed ? `run ${runId} goes on where it ended` : `run ${runId} begins`;
}

async function report(client: pg.ClientBase, { runId }: LiveOutcome): Promise<void> {
  const summary = await summarizeRun(client, runId);
  await printReport(client, summary, { isJson: false, elapsedMs: 0 });
}
