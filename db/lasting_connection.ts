// One connection that outlives its server's restarts: work that a lost connection interrupted is done again on a new one.
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { Failure } from '../core/failure.ts';
import { isConnectionLoss } from './connection_loss.ts';
import { type ConnectOptions, connect, describeUrl, destroy } from './pool.ts';

export interface LastingConnection {
  /**
   * Runs `work` alone on the connection; whoever comes meanwhile waits. After a loss it runs again, with `attempt` 2, 3, …: what
   * it had committed may or may not be there, so it must be safe to repeat. Other errors are the caller's.
   */
  run<T>(work: (client: pg.Client, attempt: number) => Promise<T>): Promise<T>;
  /** Closes it when the work that was begun is done. */
  end(): Promise<void>;
}

export interface LastingOptions extends ConnectOptions {
  /** Called on every new connection, before any work: session locks, settings. */
  readonly prepare?: (client: pg.Client) => Promise<void>;
  /** Called with the reason when the connection was lost. */
  readonly onLoss?: (error: unknown) => void;
  /** Gives up waiting for a lost server. */
  readonly signal?: AbortSignal;
}

// Half a minute of short waits, then five more minutes: longer than a restart with recovery takes.
const WAITS_MS = [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000];
const MAX_ATTEMPTS = 72;
// Real time: the database lives in it, also where the market's time is simulated.
const wallClock = systemClock();

/** Opens the connection. Throws a Failure when the database cannot be reached now; later losses are waited out for six minutes. */
export async function lastingConnection(options: LastingOptions): Promise<LastingConnection> {
  const open = async (): Promise<pg.Client> => {
    const client = await connect(options);
    try {
      await options.prepare?.(client);
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  };
  let client: pg.Client | null = await open();
  let tail: Promise<unknown> = Promise.resolve();

  const leave = async (): Promise<void> => {
    const left = client;
    client = null;
    await left?.end().catch(() => undefined);
  };

  // Without a farewell, which a silent server would not answer.
  const drop = (): void => {
    const lost = client;
    client = null;
    if (lost !== null) destroy(lost);
  };

  async function attemptAll<T>(work: (client: pg.Client, attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        client ??= await open();
        return await work(client, attempt);
      } catch (error) {
        if (!isConnectionLoss(error)) throw error;
        options.onLoss?.(error);
        drop();
        await waitAfter(attempt, error);
      }
    }
  }

  async function waitAfter(attempt: number, error: unknown): Promise<void> {
    if (attempt >= MAX_ATTEMPTS || options.signal?.aborted) {
      throw new Failure(`the database at ${describeUrl(options.url)} went away`, {
        hint: 'Start it again; what was not stored is asked for again, and nothing is stored twice.',
        cause: error,
      });
    }
    await wallClock.sleep(WAITS_MS[Math.min(attempt, WAITS_MS.length) - 1] ?? 5000, options.signal);
  }

  return {
    run: (work) => {
      const mine = tail.then(() => attemptAll(work));
      tail = mine.catch(() => undefined);
      return mine;
    },
    end: async () => {
      await tail;
      await leave();
    },
  };
}
