// The built-in database: a real PostgreSQL in a folder, started on demand, shared by every strikebase process there.
import { copyFileSync, existsSync, mkdirSync, realpathSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../core/failure.ts';
import { findNativeDir } from './embedded/binaries.ts';
import {
  type Cluster,
  openCluster,
  readPassword,
  type Settings,
  SUPERUSER,
  writeSettings,
} from './embedded/cluster.ts';
import { createDatabase, type Lease, takeLease } from './embedded/lease.ts';
import { choosePlace, recordedHome } from './embedded/place.ts';
import { freePort, type Ports, portsToTry, recordPort } from './embedded/ports.ts';
import { launch, type Postmaster, settle, stopServer, waitForEnd } from './embedded/postmaster.ts';
import { poll } from './embedded/processes.ts';
import { explainFileError, withStartLock } from './embedded/start_lock.ts';

export interface EmbeddedOptions {
  /** Folder of everything that the server keeps; made if absent. Its `pgdata` survives restarts. */
  readonly dir: string;
  /** The first port of 127.0.0.1 to try; the next free one is taken. */
  readonly port?: number;
  /** Called with one line for each thing worth telling the user. */
  readonly onNotice?: (text: string) => void;
}

export interface EmbeddedServer {
  /** `postgres://…` of the superuser and the database `strikebase`, with the password. */
  readonly url: string;
  readonly dataDir: string;
  /** False if it ran already and this process attached to it. */
  readonly startedHere: boolean;
  /** Lets go of the server, and stops it unless another process or client is connected. Close your own pools first. */
  stop(): Promise<'stopped' | 'left running'>;
}

export const DEFAULT_PORT = 54329;
const DATABASE = 'strikebase';
const LOG_LIMIT_BYTES = 16_000_000;
// Backends of a killed server notice its end within moments, unless they are deep in a statement.
const ORPHANS_MS = 60_000;
const DYING_MS = 1_000;

/** What the server is run with, but for its port. */
export const EMBEDDED_SETTINGS: Settings = {
  listen_addresses: '127.0.0.1',
  // Paths of sockets are limited to 107 bytes, less than the paths of many projects; TCP serves every tool as well.
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: 100,
  shared_buffers: '256MB',
  work_mem: '32MB',
  maintenance_work_mem: '256MB',
  max_wal_size: '2GB',
  synchronous_commit: 'on',
  random_page_cost: '1.1',
  timezone: 'America/New_York',
  log_timezone: 'America/New_York',
  datestyle: 'iso, ymd',
  lc_messages: 'C',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  // The text of a failed statement can hold a password; the client gets the error anyway.
  log_min_error_statement: 'panic',
};

/** Starts the server of a folder, or attaches to it where it runs. Throws a Failure that says what to do. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  try {
    mkdirSync(join(options.dir, 'log'), { recursive: true });
    const dir = realpathSync(options.dir);
    return await withStartLock(join(dir, 'lock'), () => attachOrStart(dir, options));
  } catch (error) {
    throw explainFileError(error, options.dir);
  }
}

interface Running {
  readonly server: Postmaster;
  readonly dataDir: string;
  readonly startedHere: boolean;
}

async function attachOrStart(dir: string, options: EmbeddedOptions): Promise<EmbeddedServer> {
  const logFile = join(dir, 'log', 'postgres.log');
  shortenLog(logFile);
  const dataDir = join(recordedHome(dir), 'pgdata');
  const server = await settle(dataDir);
  const running =
    server === null ? await start(dir, logFile, options) : { server, dataDir, startedHere: false };
  try {
    return await connectTo(running, dir);
  } catch (error) {
    // A server that is killed at this very moment takes a little to disappear; then it is our turn to start one.
    if (running.startedHere || !(await waitForEnd(running.server.pid, DYING_MS))) throw error;
    return await connectTo(await start(dir, logFile, options), dir);
  }
}

async function connectTo(running: Running, dir: string): Promise<EmbeddedServer> {
  const { server, dataDir, startedHere } = running;
  const base = `postgres://${SUPERUSER}:${readPassword(dataDir)}@127.0.0.1:${server.port}`;
  // Also when attaching: whoever started the server may have been killed before it came to this.
  await createDatabase(`${base}/postgres`, DATABASE);
  const url = `${base}/${DATABASE}`;
  const lease = await takeLease(url);
  let stopping: Promise<'stopped' | 'left running'> | null = null;
  const stop = (): Promise<'stopped' | 'left running'> => {
    stopping ??= release(dir, dataDir, lease);
    return stopping;
  };
  return { url, dataDir, startedHere, stop };
}

async function start(dir: string, logFile: string, options: EmbeddedOptions): Promise<Running> {
  const notice = options.onNotice ?? (() => {});
  const place = await choosePlace(dir, findNativeDir(), notice);
  const { account, binaries, majorVersion } = place;
  const cluster: Cluster = { account, binaries, dataDir: join(place.home, 'pgdata'), logFile };
  await openCluster(cluster, { majorVersion, notice });
  const ports = portsToTry(dir, options.port ?? DEFAULT_PORT);
  const running = await poll(() => launchOnce(cluster, ports, notice), {
    everyMs: 500,
    timeoutMs: ORPHANS_MS,
  });
  if (running === null) {
    throw new Failure('connections of a server that was killed are still at work on the database', {
      hint: 'Wait for their statements to end, or end the processes named postgres, then try again.',
    });
  }
  recordPort(dir, ports, { port: running.server.port, user: SUPERUSER, database: DATABASE });
  return running;
}

async function launchOnce(
  cluster: Cluster,
  ports: Ports,
  notice: (text: string) => void,
): Promise<Running | null> {
  const { dataDir } = cluster;
  const other = await settle(dataDir);
  if (other !== null) return { server: other, dataDir, startedHere: false };
  const port = await freePort(ports, notice);
  writeSettings(cluster, { ...EMBEDDED_SETTINGS, port });
  const onSlow = (): void => notice('the database was not shut down cleanly and is being recovered');
  const server = await launch(cluster, { onSlow });
  return typeof server === 'string' ? null : { server, dataDir, startedHere: true };
}

// The server appends to the file, so it can be cut under its feet.
function shortenLog(logFile: string): void {
  if (!existsSync(logFile) || statSync(logFile).size < LOG_LIMIT_BYTES) return;
  copyFileSync(logFile, `${logFile}.old`);
  truncateSync(logFile);
}

async function release(dir: string, dataDir: string, lease: Lease): Promise<'stopped' | 'left running'> {
  // Under the lock nobody can attach between our look at the other connections and the stop.
  return await withStartLock(join(dir, 'lock'), async () => {
    const isLast = await lease.isLast();
    await lease.end();
    return isLast && (await stopServer(dataDir)) ? 'stopped' : 'left running';
  });
}
