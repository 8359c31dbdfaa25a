// Watches the embedded database for a tree of processes: it is started again when it dies.
import { resolve } from 'node:path';
import pg from 'pg';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { errorText, Failure } from '../core/failure.ts';
import { type EmbeddedServer, startEmbedded } from '../db/embedded.ts';

export interface KeepOptions {
  readonly url: string;
  readonly config: Config;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onNotice: (text: string) => void;
}

const RETRY_MS = 200;

/**
 * Starts the server again whenever it dies, until the signal is aborted. Returns the one that it started last, to be stopped
 * when nobody uses it any more. Throws a Failure if it comes back under another address, where nobody looks for it.
 */
export async function keepDatabase(options: KeepOptions): Promise<EmbeddedServer | null> {
  const { url, signal, onNotice } = options;
  let server: EmbeddedServer | null = null;
  while (!signal.aborted) {
    if ((await connectionEnds(url, signal)) === 'told') break;
    onNotice('the connection to the database is lost; it is started again if it is down');
    const started = await startAgain(options);
    if (started === null) continue;
    server = started;
    if (server.url !== url) {
      await server.stop();
      throw new Failure('the database came back on another port: another program took its own', {
        hint: 'Start again; what is open is found in the database and goes on.',
      });
    }
    onNotice('the database answers again');
  }
  return server;
}

async function startAgain({ config, clock, signal, onNotice }: KeepOptions): Promise<EmbeddedServer | null> {
  const dir = resolve(config.strikebaseDir);
  try {
    return await startEmbedded({ dir, port: config.strikebasePort, onNotice });
  } catch (error) {
    onNotice(`the database cannot be started: ${errorText(error)}`);
    await clock.sleep(RETRY_MS, signal);
    return null;
  }
}

/** Holds a connection until it is lost, or until the signal is aborted. */
async function connectionEnds(url: string, signal: AbortSignal): Promise<'lost' | 'told'> {
  const client = new pg.Client({ connectionString: url, application_name: 'strikebase supervisor' });
  const lost = new Promise<'lost'>((end) => {
    client.on('error', () => end('lost'));
    client.on('end', () => end('lost'));
  });
  const told = new Promise<'told'>((end) => {
    if (signal.aborted) end('told');
    signal.addEventListener('abort', () => end('told'), { once: true });
  });
  try {
    await client.connect();
    return await Promise.race([lost, told]);
  } catch {
    return 'lost';
  } finally {
    await client.end().catch(() => undefined);
  }
}
