// Many backtests at once: each a run of its own on one of several connections, those that are complete already found again.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { schemaHash } from '../db/migrate.ts';
import { inTransaction } from '../db/pool.ts';
import { tryLockAccount, unlockAccount } from './advance.ts';
import { advanceThrough, backtestSteps, openRun, type RunRequest, sessionsIn } from './run.ts';

/** A backtest that a grid wants: its runs keep trades and counts only. */
export type GridRequest = Omit<RunRequest, 'mode' | 'keeps'>;

export interface GridCell {
  readonly request: GridRequest;
  /** All parameters that it runs with, as canonical JSON: equal texts are equal rules. */
  readonly params: string;
  /** The completed run with just these parameters, range, feeds and code; null where it has to be made. */
  readonly runId: number | null;
}

export interface GridOptions {
  readonly clock: Clock;
  /** Aborted, the runs that go on end where they stand. */
  readonly signal: AbortSignal;
  /** After every slice: how many of all slices are done. */
  readonly onStep?: (done: number, total: number) => void;
  /** After every completed run: the index of its request. */
  readonly onRun?: (index: number, runId: number) => Promise<void> | void;
}

export interface GridOutcome {
  /** By request; null where it was not completed. */
  readonly runIds: readonly (number | null)[];
  /** Runs that were begun and end before their range does. */
  readonly unfinished: readonly number[];
}

/**
 * Judges the settings of every request and looks for a completed run of each; with `isFresh` none is taken. Throws the database's
 * error for a setting that cannot be (SB008) before anything has run.
 */
export async function findCells(
  client: pg.ClientBase,
  requests: readonly GridRequest[],
  isFresh = false,
): Promise<GridCell[]> {
  const codeHash = await schemaHash();
  const cells: GridCell[] = [];
  for (const request of requests) {
    const { rows } = await client.query<{ params: string; run_id: number | null }>(
      'select params::text, run_id from trade.find_backtest($1, $2, $3, $4, $5, $6, $7)',
      [
        request.strategy,
        formatEastern(request.from),
        formatEastern(request.to),
        request.tickFeed,
        request.quoteFeed,
        JSON.stringify(request.settings),
        codeHash,
      ],
    );
    const [found] = rows;
    if (found === undefined) throw new Error('a function without a result');
    cells.push({ request, params: found.params, runId: isFresh ? null : found.run_id });
  }
  return cells;
}

/**
 * Makes the runs that are missing, one on each connection (job_runner) at a time, in the order of the cells. The first error stops
 * the others and is thrown on when they have ended; runs that were completed by then stay, and the next search finds them.
 */
export async function runGrid(
  clients: readonly pg.ClientBase[],
  cells: readonly GridCell[],
  options: GridOptions,
): Promise<GridOutcome> {
  const runIds = cells.map(({ runId }) => runId);
  const unfinished: number[] = [];
  const missing = cells.flatMap(({ runId }, index) => (runId === null ? [index] : []));
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const count = await countSteps(clients[0], missing, cells);
  let done = 0;
  let next = 0;
  const onStep = (): void => {
    done += 1;
    options.onStep?.(done, count);
  };
  const work = async (client: pg.ClientBase): Promise<void> => {
    while (next < missing.length && !signal.aborted) {
      const index = missing[next] as number;
      next += 1;
      const { request } = cells[index] as GridCell;
      const { runId, outcome } = await runCell(client, request, { clock: options.clock, signal, onStep });
      if (outcome === 'stopped') unfinished.push(runId);
      else {
        runIds[index] = runId;
        await options.onRun?.(index, runId);
      }
    }
  };
  const ended = await Promise.allSettled(
    clients.map((client) =>
      work(client).catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    ),
  );
  const broken = ended.find((each) => each.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return { runIds, unfinished };
}

const OPEN_SQL = `
  select r.run_id, r.account from trade.runs r
  where r.mode = 'backtest' and r.keeps = 'trades' and r.ts_ended is null order by r.run_id`;

/** Whether any run of a grid is open: one that goes on, or one that was left. */
export async function hasOpenRuns(client: pg.ClientBase): Promise<boolean> {
  return (await client.query(OPEN_SQL)).rows.length > 0;
}

/**
 * Drops the runs of grids that ended without a word (kill -9, a lost machine): open, and nobody holds their lock. As the owner. They
 * would never be found again, and nobody would close them. Gives their ids.
 */
export async function dropOrphans(owner: pg.ClientBase): Promise<number[]> {
  const { rows } = await owner.query<{ run_id: number; account: string }>(OPEN_SQL);
  const dropped: number[] = [];
  for (const { run_id, account } of rows) {
    if (!(await tryLockAccount(owner, account))) continue;
    try {
      // It may have come to its end before its lock was free.
      const { rows: open } = await owner.query(
        'select from trade.runs where run_id = $1 and ts_ended is null',
        [run_id],
      );
      if (open.length === 0) continue;
      await owner.query('select trade.drop_run($1)', [run_id]);
      dropped.push(run_id);
    } finally {
      await unlockAccount(owner, account);
    }
  }
  return dropped;
}

async function runCell(
  client: pg.ClientBase,
  request: GridRequest,
  options: { readonly clock: Clock; readonly signal: AbortSignal; readonly onStep: () => void },
): Promise<{ runId: number; outcome: 'completed' | 'stopped' }> {
  const wanted = { ...request, mode: 'backtest', keeps: 'trades' } as const;
  // Nobody sees it without its lock: another grid would take it for an orphan.
  const run = await inTransaction(client, () => openRun(client, wanted, options.clock));
  try {
    const steps = backtestSteps(run, await sessionsIn(client, run));
    const outcome = await advanceThrough(client, run, steps, { ...options, speed: null });
    return { runId: run.runId, outcome };
  } finally {
    // The connection goes on to the next run. Should it be what failed, its locks are gone with it.
    await unlockAccount(client, run.account).catch(() => undefined);
  }
}

/** Ranges repeat: each is counted once. */
async function countSteps(
  client: pg.ClientBase | undefined,
  missing: readonly number[],
  cells: readonly GridCell[],
): Promise<number> {
  if (client === undefined) throw new Error('a grid needs a connection');
  const counts = new Map<string, number>();
  let total = 0;
  for (const index of missing) {
    const { request } = cells[index] as GridCell;
    const key = `${request.from} ${request.to}`;
    const known = counts.get(key);
    const range = { ...request, mode: 'backtest' } as const;
    const count = known ?? backtestSteps(range, await sessionsIn(client, request)).length;
    counts.set(key, count);
    total += count;
  }
  return total;
}
