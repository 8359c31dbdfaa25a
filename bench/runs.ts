// Backtests and replays of the shipped strategy on minute bars and modelled quotes, as the commands run them.
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { advance } from '../jobs/advance.ts';
import { advanceThrough, backtestSteps, openRun, replaySteps, type SessionTimes } from '../jobs/run.ts';
import { BARS_FEED, QUOTES_FEED } from './market_data.ts';

export const STRATEGY = 'vwap_ma9';
const DAY_MS = 86_400_000;

/** One slice: up to where, and what was known by then. */
export interface Step {
  readonly to: EasternUs;
  readonly asOf: EasternUs;
}

/** Runs a backtest, with further connections if there are any, and returns its run. */
export async function backtest(
  client: pg.Client,
  sessions: readonly SessionTimes[],
  helpers: readonly pg.Client[] = [],
): Promise<number> {
  const { first, last } = endsOf(sessions);
  const clock = systemClock();
  const request = {
    mode: 'backtest',
    strategy: STRATEGY,
    from: first.ts_open,
    to: addMs(last.ts_option_close, DAY_MS / 4),
    tickFeed: BARS_FEED,
    quoteFeed: QUOTES_FEED,
    settings: {},
  } as const;
  const run = await openRun(client, request, clock);
  const signal = new AbortController().signal;
  await advanceThrough(client, run, backtestSteps(run, sessions), { clock, signal, speed: null, helpers });
  return run.runId;
}

/** Milliseconds that each minute of a replay of the sessions takes. */
export async function replayLatencies(url: string, sessions: readonly SessionTimes[]): Promise<number[]> {
  const client = await connect({ url, role: 'job_runner', name: 'replay' });
  const { first, last } = endsOf(sessions);
  const range = { from: addMs(first.ts_open, -60_000), to: addMs(last.ts_option_close, 60_000) };
  const request = { mode: 'replay', strategy: STRATEGY, ...range, settings: {} } as const;
  const clock = systemClock();
  try {
    const run = await openRun(client, { ...request, tickFeed: BARS_FEED, quoteFeed: QUOTES_FEED }, clock);
    const asOf = clock.now();
    const steps = replaySteps(run, sessions).map((to) => ({ to, asOf }));
    return await sliceLatencies(client, run.runId, steps);
  } finally {
    await client.end();
  }
}

/** Milliseconds that each slice takes. */
export async function sliceLatencies(
  client: pg.Client,
  runId: number,
  steps: readonly Step[],
): Promise<number[]> {
  const times: number[] = [];
  for (const step of steps) {
    const began = performance.now();
    await advance(client, { runId, ...step });
    times.push(performance.now() - began);
  }
  return times;
}

function endsOf(sessions: readonly SessionTimes[]): { first: SessionTimes; last: SessionTimes } {
  const [first, last] = [sessions[0], sessions.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no sessions');
  return { first, last };
}
