// The locks of an account, taken without waiting for ever: a second process is told who has it.
import type pg from 'pg';
import { Failure } from '../core/failure.ts';

/** What one process at a time does for an account; each has a lock of its own. */
export type AccountLock = 'trade.advance' | 'trade.orders' | 'trade.broker' | 'trade.reconcile';

interface LockTexts {
  readonly problem: (account: string) => string;
  readonly hint: string;
}

const LOCK_NOT_AVAILABLE = '55P03';
const ANSWER_MS = 10_000;

const TEXTS: Readonly<Record<AccountLock, LockTexts>> = {
  'trade.advance': {
    problem: (account) => `account ${account} is traded by another process`,
    hint: 'Stop that process first, or give this strategy an account of its own.',
  },
  'trade.orders': {
    problem: (account) => `orders of account ${account} are sent by another process`,
    hint: 'Stop that process first: two of them could send an order twice.',
  },
  // By what the broker calls the account: two names of ours for it would trade it twice.
  'trade.broker': {
    problem: () => 'orders of this account at the broker are sent by another process, under another name',
    hint: 'Trade an account at a broker under one name: stop that process first.',
  },
  'trade.reconcile': {
    problem: (account) => `account ${account} is reconciled by another process`,
    hint: 'One is enough: stop that process, or leave it running.',
  },
};

const HOLDER_SQL = `
  select a.application_name, a.pid
  from pg_locks l
  join pg_stat_activity a on a.pid = l.pid
  cross join hashtextextended($1, 0) as k
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and a.datname = current_database()
    and l.classid::bigint = (k >> 32) & 4294967295 and l.objid::bigint = k & 4294967295
  limit 1`;

/**
 * Takes a lock of the account for as long as the connection lives (default: the one that lets it advance), waiting at most
 * `waitMs`: a process that has just ended may still hold it for a moment. Throws a Failure that names the holder.
 */
export async function lockAccountWithin(
  client: pg.ClientBase,
  options: { readonly account: string; readonly waitMs: number; readonly lock?: AccountLock },
): Promise<void> {
  const { account, waitMs, lock = 'trade.advance' } = options;
  const key = `${lock} ${account}`;
  await client.query("select set_config('lock_timeout', $1, false)", [String(waitMs)]);
  try {
    await client.query({
      text: 'select pg_advisory_lock(hashtextextended($1, 0))',
      values: [key],
      // Longer than the lock's own limit, whatever the connection's.
      query_timeout: waitMs + ANSWER_MS,
    } as pg.QueryConfig);
  } catch (error) {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    const { problem, hint } = TEXTS[lock];
    throw new Failure(`${problem(account)}: ${await holderOf(client, key)}`, { hint });
  } finally {
    await client.query('set lock_timeout = 0').catch(() => undefined);
  }
}

async function holderOf(client: pg.ClientBase, key: string): Promise<string> {
  const { rows } = await client.query<{ application_name: string; pid: number }>(HOLDER_SQL, [key]);
  const [holder] = rows;
  return holder === undefined
    ? 'it has just ended'
    : `${holder.application_name} (connection ${holder.pid} of the database)`;
}
