// `strikebase demo`: a whole simulated session through the live path in about a minute, with its P/L at the end.
import { Command, InvalidArgumentError } from 'commander';
import { loadConfig, runSettings } from '../core/config.ts';
import { parseEastern, type SessionDate } from '../core/eastern_time.ts';
import type { LiveOutcome } from '../jobs/live.ts';
import { type Database, withDatabase } from './database.ts';
import { printDemoReport } from './demo_report.ts';
import { claimDemo, underlyingOf } from './demo_setup.ts';
import { interrupt } from './interrupt.ts';
import { describeSession, sessionOn } from './market_sessions.ts';
import { parseCount, withDb, withExamples } from './options.ts';
import { watchedRun, watchRun } from './run_watch.ts';
import { playSimulatedSession, sliceSecondsAt } from './simulated_session.ts';
import { note } from './terminal.ts';

interface DemoOptions {
  readonly seed: number;
  readonly date: SessionDate;
  readonly speed: number | 'max';
  readonly db?: string;
  readonly keep?: true;
}

const STRATEGY = 'vwap_ma9';
const STRIKES = 11;
const INTERRUPTED = 130;
// Not today: the same seed has to print the same figures tomorrow.
const DEFAULT_DATE = '2026-06-17' as SessionDate;
const DEFAULT_SEED = 1;
const MAX_SEED = 4_294_967_295;

/** A seed of the simulator. */
export function parseSeed(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= MAX_SEED) return value;
  throw new InvalidArgumentError(`It is a whole number from 0 to ${MAX_SEED}.`);
}

/** A multiple of real time, or `max`. */
export function parseSpeed(text: string): number | 'max' {
  return text === 'max' ? 'max' : parseCount(text);
}

function parseDate(text: string): SessionDate {
  if (text.length === 10 && parseEastern(text) !== null) return text as SessionDate;
  throw new InvalidArgumentError('Write YYYY-MM-DD.');
}

/** The subcommand. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description(
      'Plays one simulated session of QQQ and its options through a local websocket into the ingester, the rules and the paper ' +
        'broker, as a live day runs, then prints its P/L. All quotes are simulated: the result says nothing about a strategy.',
    )
    .option(
      '--seed <n>',
      'another seed is another market; the same seed repeats it exactly',
      parseSeed,
      DEFAULT_SEED,
    )
    .option('--date <date>', 'session to simulate', parseDate, DEFAULT_DATE)
    .option('--speed <n>', 'times real time, or max', parseSpeed, 'max')
    .option('--keep', 'leave the database running until Ctrl-C, to look around');
  return withExamples(withDb(command), 'demo', 'demo --seed 7', 'demo --speed 60 --date 2026-11-27').action(
    (options: DemoOptions) => withDatabase({ db: options.db }, (database) => demo(database, options)),
  );
}

async function demo(database: Database, options: DemoOptions): Promise<void> {
  const { seed } = options;
  const began = performance.now();
  const outcome = await play(database, options);
  const client = await database.connect('job_runner');
  await printDemoReport({ client, database, outcome, seed, elapsedMs: performance.now() - began });
  if (interrupt().aborted) process.exitCode = INTERRUPTED;
  else if (options.keep) await waitForInterrupt();
}

async function play(database: Database, options: DemoOptions): Promise<LiveOutcome> {
  const client = await database.connect('job_runner');
  const session = await sessionOn(client, options.date);
  const underlying = await underlyingOf(client, STRATEGY);
  const { account, feeds } = await claimDemo(await database.connect('ingest_writer'), underlying);
  note(`simulated session ${describeSession(session)}, seed ${options.seed}, simulated quotes, paper broker`);
  const watch = watchRun({ client, title: 'demo', underlying, label: 'simulated quotes' });
  let lastStep = session.tsOpen;
  try {
    return await playSimulatedSession({
      databaseUrl: database.url,
      session,
      seed: options.seed,
      speed: options.speed,
      feeds,
      underlying,
      strategy: STRATEGY,
      settings: { ...runSettings(loadConfig()), account },
      strikes: STRIKES,
      sliceSeconds: sliceSecondsAt(options.speed),
      signal: interrupt(),
      onStart: (parts) => watch.begin(watchedRun(parts, underlying)),
      onStep: async (now) => {
        lastStep = now;
        await watch.update(now);
      },
    });
  } finally {
    await watch.end(lastStep);
  }
}

async function waitForInterrupt(): Promise<void> {
  note('the database stays up until Ctrl-C');
  // A pending promise alone would not keep the process alive.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) =>
    interrupt().addEventListener('abort', () => resolve(), { once: true }),
  );
  clearInterval(alive);
}
