// `strikebase demo`: a whole simulated session through the live path in about a minute, with its P/L at the end.
import { Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig, runSettings } from '../core/config.ts';
import { parseEastern, type SessionDate } from '../core/eastern_time.ts';
import type { LiveOutcome } from '../jobs/live.ts';
import { type Database, withDatabase } from './database.ts';
import { printDemoReport } from './demo_report.ts';
import { claimDemo, underlyingOf } from './demo_setup.ts';
import { interrupt } from './interrupt.ts';
import { checkLedger } from './ledger_check.ts';
import { describeSession, sessionOn } from './market_sessions.ts';
import { DEFAULT_SEED, parseSeed, parseSpeed, withDb, withExamples } from './options.ts';
import { watchedRun, watchRun } from './run_watch.ts';
import type { SimulatedDesk } from './simulated_desk.ts';
import { playSimulatedSession, sliceSecondsAt } from './simulated_session.ts';
import { note } from './terminal.ts';

export { parseSeed } from './options.ts';

interface DemoOptions {
  readonly seed: number;
  readonly date: SessionDate;
  readonly speed: number | 'max';
  readonly broker: 'paper' | 'schwab';
  readonly db?: string;
  readonly keep?: true;
}

const STRATEGY = 'vwap_ma9';
const STRIKES = 11;
const INTERRUPTED = 130;
// Not today: the same seed has to print the same figures tomorrow.
const DEFAULT_DATE = '2026-06-17' as SessionDate;

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
    .addOption(
      new Option('--broker <name>', 'who fills: paper, or Schwab’s API, simulated on this machine, over HTTP')
        .choices(['paper', 'schwab'])
        .default('paper'),
    )
    .option('--keep', 'leave the database running until Ctrl-C, to look around');
  return withExamples(
    withDb(command),
    'demo',
    'demo --seed 7 --broker schwab',
    'demo --speed 60 --date 2026-11-27',
  ).action((options: DemoOptions) => withDatabase({ db: options.db }, (database) => demo(database, options)));
}

async function demo(database: Database, options: DemoOptions): Promise<void> {
  const { seed } = options;
  const began = performance.now();
  const { outcome, desk, account } = await play(database, options);
  const elapsedMs = performance.now() - began;
  const client = await database.connect('job_runner');
  const ledger = desk === null ? null : await checkLedger(client, account, desk.schwab.simulator.ledger);
  await printDemoReport({ client, database, outcome, seed, ledger, elapsedMs });
  if (ledger !== null && ledger.differences.length > 0) process.exitCode = 1;
  if (interrupt().aborted) process.exitCode = INTERRUPTED;
  else if (options.keep) await waitForInterrupt();
}

interface Played {
  readonly outcome: LiveOutcome;
  readonly account: string;
  readonly desk: SimulatedDesk | null;
}

async function play(database: Database, options: DemoOptions): Promise<Played> {
  const client = await database.connect('job_runner');
  const session = await sessionOn(client, options.date);
  const underlying = await underlyingOf(client, STRATEGY);
  const { account, feeds } = await claimDemo(await database.connect('ingest_writer'), underlying);
  const { broker, seed } = options;
  const venue = broker === 'paper' ? 'paper broker' : 'Schwab’s API simulated on this machine';
  note(`simulated session ${describeSession(session)}, seed ${seed}, simulated quotes, ${venue}`);
  const watch = watchRun({
    ...{ read: (work) => work(client), title: 'demo', underlying, label: 'simulated quotes' },
    ...(broker === 'paper' ? {} : { venue: 'PAPER at a simulated Schwab' }),
  });
  let lastStep = session.tsOpen;
  const started: { desk: SimulatedDesk | null } = { desk: null };
  try {
    const outcome = await playSimulatedSession({
      databaseUrl: database.url,
      session,
      ...{ seed, broker, speed: options.speed },
      feeds,
      underlying,
      strategy: STRATEGY,
      settings: { ...runSettings(loadConfig()), account },
      strikes: STRIKES,
      sliceSeconds: sliceSecondsAt(options.speed),
      signal: interrupt(),
      onStart: (parts) => {
        started.desk = parts.desk;
        watch.begin(watchedRun(parts, underlying));
      },
      onStep: async (now) => {
        lastStep = now;
        await watch.update(now);
      },
    });
    return { outcome, account, desk: started.desk };
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
