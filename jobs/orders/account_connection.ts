// The one connection of an order process: it holds the account's lock, hears hints, and outlives the database's restarts.
import type { EasternUs } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { writeHeartbeat } from '../../db/heartbeat.ts';
import {
  type LastingConnection,
  type LastingOptions,
  lastingConnection,
} from '../../db/lasting_connection.ts';
import { type AccountLock, lockAccountWithin } from '../account_lock.ts';

/** How an order process gets its connection. */
export type OpenConnection = (options: LastingOptions) => Promise<LastingConnection>;

export interface AccountConnectionOptions {
  readonly url: string;
  readonly account: string;
  readonly lock: AccountLock;
  /** What stands for the account at the broker, whatever its name here; nobody else may hold it. */
  readonly brokerAccount?: string | undefined;
  /** Of the process: `orders` or `reconcile`. */
  readonly name: string;
  readonly channel: string;
  readonly onHint: () => void;
  readonly onLoss?: (error: unknown) => void;
  /** Gives up waiting for a lost database. */
  readonly signal: AbortSignal;
  /** Default: a new one of its own. */
  readonly open?: OpenConnection | undefined;
}

const LOCK_WAIT_MS = 2000;
// Our own lost connection may live on at the server until it notices.
const RELOCK_WAIT_MS = 60_000;
const HEARTBEAT_MS = 1000;
// Many times what the slowest of its queries takes.
const QUERY_MS = 20_000;

/** Opens it. Throws a Failure when another process holds the lock, naming it. Once ended it takes no more work. */
export async function accountConnection(options: AccountConnectionOptions): Promise<LastingConnection> {
  const connection = await openLocked(options);
  let isEnded = false;
  return {
    // Work that came late would open it again, and take the lock back.
    run: (work) =>
      isEnded ? Promise.reject(new Failure('the connection has been ended')) : connection.run(work),
    end: () => {
      isEnded = true;
      return connection.end();
    },
  };
}

function openLocked(options: AccountConnectionOptions): Promise<LastingConnection> {
  const { url, account, lock, brokerAccount, name, channel } = options;
  const { onHint, onLoss, signal, open = lastingConnection } = options;
  let waitMs = LOCK_WAIT_MS;
  return open({
    url,
    role: 'job_runner',
    name: `${name} ${account} process ${process.pid}`,
    queryMs: QUERY_MS,
    signal,
    ...(onLoss === undefined ? {} : { onLoss }),
    prepare: async (client) => {
      await lockAccountWithin(client, { account, lock, waitMs });
      if (brokerAccount !== undefined) {
        await lockAccountWithin(client, { account: brokerAccount, lock: 'trade.broker', waitMs });
      }
      waitMs = RELOCK_WAIT_MS;
      client.on('notification', ({ payload }) => {
        if (payload === account) onHint();
      });
      await client.query(`listen ${channel}`);
      // What was announced while nobody listened is not announced again.
      onHint();
    },
  });
}

/** Wakes the process that listens to a channel for the account. */
export async function hint(connection: LastingConnection, channel: string, account: string): Promise<void> {
  await connection.run((client) => client.query('select pg_notify($1, $2)', [channel, account]));
}

/** Writes a sign of life, at most once a second of real time; true where it did. */
export function heartbeatOf(
  connection: LastingConnection,
  processName: string,
): (at: EasternUs, state: string, detail: string) => Promise<boolean> {
  let last = Number.NEGATIVE_INFINITY;
  return async (at, state, detail) => {
    if (performance.now() - last < HEARTBEAT_MS) return false;
    last = performance.now();
    await connection.run((client) => writeHeartbeat(client, { process: processName, at, state, detail }));
    return true;
  };
}
