// `strikebase start` without a key: one simulated session on paper, in this process.
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { type Config, runSettings } from '../core/config.ts';
import { registerFeeds, simulatedFeeds } from '../ingest/stream_feed.ts';
import type { LiveOutcome, LiveRun } from '../jobs/live.ts';
import { summarizeRun } from '../jobs/run_summary.ts';
import type { Database } from './database.ts';
import { underlyingOf } from './demo_setup.ts';
import { interrupt } from './interrupt.ts';
import { describeSession, type MarketSession, nextSimulatedSession } from './market_sessions.ts';
import { DEFAULT_SEED } from './options.ts';
import { printReport } from './run_report.ts';
import { watchedRun, watchRun } from './run_watch.ts';
import { playSimulatedSession, sliceSecondsAt } from './simulated_session.ts';
import { note } from './terminal.ts';

export interface SimulatedStart {
  readonly database: Database;
  readonly config: Config;
  readonly strategy: string;
  readonly seed?: number;
  readonly speed?: number | 'max';
}

const SIMULATED_STRIKES = 11;
const LINE_EVERY_MS = 5 * 60_000;

/** Plays the next session of a market of its own on paper, or goes on with the one that was left. */
export async function startSimulated(options: SimulatedStart): Promise<void> {
  const { database, config, strategy, seed = DEFAULT_SEED, speed = 1 } = options;
  const client = await database.connect('job_runner');
  const underlying = await underlyingOf(client, strategy);
  note('PAPER trading: orders are filled on the quotes here, none is sent to a broker');
  // Feeds and account of its own: another seed is another market, and two markets of one day must not mix.
  const account = `${strategy}-sim-${seed}`;
  const feeds = simulatedFeeds(`start-${seed}`);
  await registerFeeds(await database.connect('ingest_writer'), feeds, underlying);
  const session = await nextSimulatedSession(client, account, systemClock().now());
  note(
    `no POLYGON_API_KEY: simulated quotes, seed ${seed}, ${speed === 'max' ? 'as fast as possible' : `${speed} x real time`}`,
  );
  noteSession(session, strategy, account);
  const watch = watchRun({
    ...{ read: (work) => work(client), title: 'start', underlying, label: 'simulated quotes' },
    lineEveryMs: LINE_EVERY_MS,
  });
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
