// A backtest or replay from its opening to its end: which instants it is advanced to, and what becomes of it when it is stopped.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { schemaHash } from '../db/migrate.ts';
import { advance, isRunFlat, lockAccount } from './advance.ts';
import { walkSideBySide } from './side_by_side.ts';

export interface RunRequest {
  readonly mode: 'backtest' | 'replay';
  readonly strategy: string;
  /** Half-open range of event time. */
  readonly from: EasternUs;
  readonly to: EasternUs;
  readonly tickFeed: string;
  readonly quoteFeed: string;
  /** Parameters for this run alone, as ref.strategies names them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** `trades`: decisions to skip are counted, not kept one by one; for backtests. Default `all`. */
  readonly keeps?: 'all' | 'trades';
}

export interface OpenedRun extends RunRequest {
  readonly runId: number;
  /** Of its own, where it is simulated: the connection that opened it holds the lock. */
  readonly account: string;
}

export interface SessionTimes {
  readonly date: string;
  readonly ts_open: EasternUs;
  readonly ts_option_close: EasternUs;
}

export interface RunOptions {
  /** Gives as_of, and the pace of a replay. */
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called after every slice: the instant the run has come to. */
  readonly onStep?: (at: EasternUs, done: number, total: number) => void;
  /** Further connections (job_runner) that take sessions of a backtest beside the first; the rows are the same without. */
  readonly helpers?: readonly pg.ClientBase[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Opens a run of the current version of a strategy, and takes the lock of its account for this connection (job_runner). */
export async function openRun(client: pg.ClientBase, request: RunRequest, clock: Clock): Promise<OpenedRun> {
  const { rows } = await client.query<{ run_id: number }>(
    "select trade.open_run($1, $2, $3, $4, $5, $6, $7, 'paper', $8, $9, $10) as run_id",
    [
      request.mode,
      request.strategy,
      formatEastern(request.from),
      formatEastern(request.to),
      request.tickFeed,
      request.quoteFeed,
      JSON.stringify(request.settings),
      await schemaHash(),
      formatEastern(clock.now()),
      request.keeps ?? 'all',
    ],
  );
  const runId = rows[0]?.run_id ?? 0;
  const { rows: runs } = await client.query<{ account: string }>(
    'select account from trade.runs where run_id = $1',
    [runId],
  );
  const { account = '' } = runs[0] ?? {};
  await lockAccount(client, account);
  return { ...request, runId, account };
}

/** The sessions that a range touches. */
export async function sessionsIn(
  client: pg.ClientBase,
  range: { readonly from: EasternUs; readonly to: EasternUs },
): Promise<SessionTimes[]> {
  const { rows } = await client.query<{ date: string; ts_open: string; ts_option_close: string }>(
    `select session_date::text as date, ts_open::text, ts_option_close::text
     from ref.sessions where ts_open < $2 and ts_option_close > $1 order by session_date`,
    [formatEastern(range.from), formatEastern(range.to)],
  );
  return rows.map((row) => ({
    date: row.date,
    ts_open: timeOf(row.ts_open),
    ts_option_close: timeOf(row.ts_option_close),
  }));
}

function timeOf(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new Error(`not a time: ${text}`);
  return us;
}

/** One instant for each session, the midnight after it, and the end of the run. */
export function backtestSteps(run: RunRequest, sessions: readonly SessionTimes[]): EasternUs[] {
  return within(
    run,
    sessions.map(({ date }) => addMs(timeOf(date), DAY_MS)),
  );
}

/** Every minute of every session, to the close of its options, and the end of the run. */
export function replaySteps(run: RunRequest, sessions: readonly SessionTimes[]): EasternUs[] {
  const steps: EasternUs[] = [];
  for (const { ts_open, ts_option_close } of sessions) {
    for (let at = addMs(ts_open, MINUTE_MS); at <= ts_option_close; at = addMs(at, MINUTE_MS)) steps.push(at);
  }
  return within(run, steps);
}

function within(run: RunRequest, steps: readonly EasternUs[]): EasternUs[] {
  return [...steps.filter((at) => at > run.from && at < run.to), run.to];
}

/**
 * Advances a run from step to step and ends it: `completed`, or `stopped` at the last whole slice when the signal is aborted.
 * With a speed the minutes of a session take that share of real time. A backtest reads what was received by its beginning.
 * An error ends the run as failed and is thrown on.
 */
export async function advanceThrough(
  client: pg.ClientBase,
  run: OpenedRun,
  steps: readonly EasternUs[],
  options: RunOptions & { readonly speed: number | null },
): Promise<'completed' | 'stopped'> {
  const { clock } = options;
  try {
    const isWhole = await (run.mode === 'backtest' ? takeSessions : takeMinutes)(client, run, steps, options);
    return await closeRun(client, run, isWhole ? 'completed' : 'stopped', clock);
  } catch (error) {
    // The connection may be what failed: then the run stays open at its last slice, and the error says why.
    await closeRun(client, run, 'failed', clock).catch(() => undefined);
    throw error;
  }
}

async function takeMinutes(
  client: pg.ClientBase,
  run: OpenedRun,
  steps: readonly EasternUs[],
  { clock, signal, speed, onStep }: RunOptions & { readonly speed: number | null },
): Promise<boolean> {
  let previous: EasternUs | null = null;
  for (const [index, to] of steps.entries()) {
    if (speed !== null) await pause(previous, to, { clock, signal, speed });
    if (signal.aborted) return false;
    await advance(client, { runId: run.runId, to, asOf: clock.now() });
    onStep?.(to, index + 1, steps.length);
    previous = to;
  }
  return true;
}

async function takeSessions(
  client: pg.ClientBase,
  run: OpenedRun,
  steps: readonly EasternUs[],
  { clock, signal, onStep, helpers: given = [] }: RunOptions,
): Promise<boolean> {
  const { runId } = run;
  const asOf = clock.now();
  let helpers = given;
  let isFlat = true;
  let done = 0;
  const onEnd = (): void => {
    done += 1;
    onStep?.(steps[done - 1] as EasternUs, done, steps.length);
  };
  while (done < steps.length && !signal.aborted) {
    const before = done;
    if (isFlat && helpers.length > 0) {
      const walk = { runId, from: run.from, steps, first: done, asOf, signal, onEnd };
      ({ isFlat, helpers } = await walkSideBySide(client, helpers, walk));
    }
    // What it could not do is done alone, or fails with its reason.
    if (done > before || signal.aborted) continue;
    await advance(client, { runId, to: steps[done] as EasternUs, asOf });
    if (helpers.length > 0) isFlat = await isRunFlat(client, runId);
    onEnd();
  }
  return done === steps.length;
}

/** Nobody waits for a night: only steps of a minute are paced. */
async function pause(
  previous: EasternUs | null,
  to: EasternUs,
  options: { readonly clock: Clock; readonly signal: AbortSignal; readonly speed: number },
): Promise<void> {
  const ms = previous === null ? 0 : (to - previous) / 1000;
  if (ms > 0 && ms <= MINUTE_MS) await options.clock.sleep(ms / options.speed, options.signal);
}

async function closeRun<Outcome extends 'completed' | 'stopped' | 'failed'>(
  client: pg.ClientBase,
  run: OpenedRun,
  outcome: Outcome,
  clock: Clock,
): Promise<Outcome> {
  await client.query('select trade.close_run($1, $2, $3)', [run.runId, outcome, formatEastern(clock.now())]);
  return outcome;
}
