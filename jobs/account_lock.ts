// The lock of an account, taken without waiting for ever: a second process is told who has it.
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import { lockAccount } from './advance.ts';

const LOCK_NOT_AVAILABLE = '55P03';

const HOLDER_SQL = `
  select a.application_name, a.pid
  from pg_locks l
  join pg_stat_activity a on a.pid = l.pid
  cross join hashtextextended('trade.advance ' || $1, 0) as k
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and a.datname = current_database()
    and l.classid::bigint = (k >> 32) & 4294967295 and l.objid::bigint = k & 4294967295
  limit 1`;

/**
 * Takes the account's lock, waiting at most `waitMs`: a process that has just ended may still hold it for a moment. Throws a
 * Failure that names the holder.
 */
export async function lockAccountWithin(
  client: pg.ClientBase,
  options: { readonly account: string; readonly waitMs: number },
): Promise<void> {
  const { account, waitMs } = options;
  await client.query("select set_config('lock_timeout', $1, false)", [String(waitMs)]);
  try {
    await lockAccount(client, account);
  } catch (error) {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    throw new Failure(`account ${account} is traded by another process: ${await holderOf(client, account)}`, {
      hint: 'Stop that process first, or give this strategy an account of its own.',
    });
  } finally {
    await client.query('set lock_timeout = 0').catch(() => undefined);
  }
}

async function holderOf(client: pg.ClientBase, account: string): Promise<string> {
  const { rows } = await client.query<{ application_name: string; pid: number }>(HOLDER_SQL, [account]);
  const [holder] = rows;
  return holder === undefined
    ? 'it has just ended'
    : `${holder.application_name} (connection ${holder.pid} of the database)`;
}
