// Takes a run forward: one slice is one repeatable read transaction under the account's lock.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { inTransaction } from '../db/pool.ts';

/** A row of trade.slices, times as text. */
export interface Slice {
  readonly ts_from: string;
  readonly ts_to: string;
  readonly periods: number;
  readonly revisions: number;
  readonly signals: number;
  readonly fills: number;
}

/**
 * Waits for the lock that lets this connection, and no other, advance an account. It is held until the connection ends, so that
 * every slice's snapshot is taken after the slice before it was committed.
 */
export async function lockAccount(client: pg.ClientBase, account: string): Promise<void> {
  await client.query("select pg_advisory_lock(hashtextextended('trade.advance ' || $1, 0))", [account]);
}

/** Takes that lock if nobody has it; true if so. */
export async function tryLockAccount(client: pg.ClientBase, account: string): Promise<boolean> {
  const { rows } = await client.query<{ is_free: boolean }>(
    "select pg_try_advisory_lock(hashtextextended('trade.advance ' || $1, 0)) as is_free",
    [account],
  );
  return rows[0]?.is_free === true;
}

/** Gives the lock back. */
export async function unlockAccount(client: pg.ClientBase, account: string): Promise<void> {
  await client.query("select pg_advisory_unlock(hashtextextended('trade.advance ' || $1, 0))", [account]);
}

// Runs that meet a new spread at one instant both make it known: the later one has to begin its slice again.
const COLLISIONS = new Set(['40001', '40P01', '55P03']);
const MAX_TRIES = 20;

export interface AdvanceOptions {
  readonly runId: number;
  readonly to: EasternUs;
  readonly asOf: EasternUs;
}

/** Calls trade.advance; null when the run already stands at `to`. A failure leaves the run where it stood. */
export async function advance(client: pg.ClientBase, options: AdvanceOptions): Promise<Slice | null> {
  for (let nth = 1; ; nth += 1) {
    try {
      return await inTransaction(client, () => takeSlice(client, options), 'repeatable read');
    } catch (error) {
      // Nothing of the slice is stored.
      if (nth === MAX_TRIES || !isCollision(error)) throw error;
    }
  }
}

/** True when another transaction was in the way: a second try may succeed. */
export function isCollision(error: unknown): boolean {
  return COLLISIONS.has((error as { code?: string }).code ?? '');
}

/**
 * Takes a slice of a backtest apart from those before it, as if they had left no position (`from`: where it begins), and commits it
 * when `mayCommit` has resolved to true. Resolves to what it has left behind; `undone` when it may not commit.
 */
export async function advanceApart(
  client: pg.ClientBase,
  options: AdvanceOptions & { readonly from: EasternUs; readonly mayCommit: Promise<boolean> },
): Promise<'flat' | 'open' | 'undone'> {
  try {
    const isFlat = await inTransaction(
      client,
      async () => {
        await takeSlice(client, options);
        const left = await isRunFlat(client, options.runId);
        if (!(await options.mayCommit)) throw new NotNext();
        return left;
      },
      'repeatable read',
    );
    return isFlat ? 'flat' : 'open';
  } catch (error) {
    if (error instanceof NotNext) return 'undone';
    throw error;
  }
}

class NotNext extends Error {}

/** True when no slot of a run's account holds a position. */
export async function isRunFlat(client: pg.ClientBase, runId: number): Promise<boolean> {
  const { rows } = await client.query<{ is_flat: boolean }>({
    name: 'is_run_flat',
    text: `select not exists (
        select from trade.runs r
        join trade.position_slots p on p.account = r.account and p.strategy = r.strategy
        where r.run_id = $1 and p.position_id is not null
      ) as is_flat`,
    values: [runId],
  });
  return rows[0]?.is_flat ?? false;
}

async function takeSlice(
  client: pg.ClientBase,
  { runId, to, asOf, from }: AdvanceOptions & { readonly from?: EasternUs },
): Promise<Slice | null> {
  const { rows } = await client.query<Slice>({
    name: 'advance',
    text: 'select s.* from trade.advance($1, $2, $3, $4) s where s.run_id is not null',
    values: [runId, formatEastern(to), formatEastern(asOf), from === undefined ? null : formatEastern(from)],
  });
  return rows[0] ?? null;
}
