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
const COLLISIONS = new Set(['40001', '40P01']);
const MAX_TRIES = 20;

/** Calls trade.advance; null when the run already stands at `to`. A failure leaves the run where it stood. */
export async function advance(
  client: pg.ClientBase,
  options: { readonly runId: number; readonly to: EasternUs; readonly asOf: EasternUs },
): Promise<Slice | null> {
  for (let nth = 1; ; nth += 1) {
    try {
      return await advanceOnce(client, options);
    } catch (error) {
      // Nothing of the slice is stored.
      if (nth === MAX_TRIES || !COLLISIONS.has((error as { code?: string }).code ?? '')) throw error;
    }
  }
}

function advanceOnce(
  client: pg.ClientBase,
  options: { readonly runId: number; readonly to: EasternUs; readonly asOf: EasternUs },
): Promise<Slice | null> {
  return inTransaction(
    client,
    async () => {
      const { rows } = await client.query<Slice>({
        name: 'advance',
        text: 'select s.* from trade.advance($1, $2, $3) s where s.run_id is not null',
        values: [options.runId, formatEastern(options.to), formatEastern(options.asOf)],
      });
      return rows[0] ?? null;
    },
    'repeatable read',
  );
}
