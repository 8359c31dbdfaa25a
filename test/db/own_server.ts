// A database server for one test file alone, of the engine under test: it can be killed and started again.
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { binariesIn, findNativeDir } from '../../db/embedded/binaries.ts';
import {
  type Cluster,
  createCluster,
  type Settings,
  SUPERUSER,
  writeSettings,
} from '../../db/embedded/cluster.ts';
import { findTimescale } from '../../db/embedded/installed_timescale.ts';
import { accountWithOwnFiles, choosePlace, otherAccount } from '../../db/embedded/place.ts';
import { launch, stopServer, waitForEnd } from '../../db/embedded/postmaster.ts';
import { poll } from '../../db/embedded/processes.ts';
import { migrate } from '../../db/migrate.ts';
import { engineName } from '../harness.ts';

export interface OwnServer {
  readonly url: string;
  readonly pool: () => pg.Pool;
  /** SIGKILL for the postmaster. */
  kill(): void;
  /** Starts it again; returns once it answers. */
  start(): Promise<void>;
  end(): Promise<void>;
}

const DATABASE = 'own';
// What is committed must be there after a kill: nothing is switched off here but what costs most.
const SETTINGS: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  lc_messages: 'C',
  datestyle: 'iso, ymd',
  fsync: 'off',
  shared_buffers: '128MB',
};

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function placeIn(root: string): Promise<Cluster> {
  const timescale = engineName() === 'timescaledb' ? findTimescale() : null;
  const logFile = join(root, 'postgres.log');
  if (timescale === null) {
    const { account, binaries, home } = await choosePlace(root, findNativeDir(), () => {});
    return { account, binaries, dataDir: join(home, 'pgdata'), logFile };
  }
  const binaries = binariesIn(timescale.binDir);
  const dataDir = join(root, 'pgdata');
  const account = (await accountWithOwnFiles(root, binaries)) ?? otherAccount(dataDir);
  return { account, binaries, dataDir, logFile };
}

/** Makes and starts a migrated server. */
export async function startOwnServer(): Promise<OwnServer> {
  const root = mkdtempSync(join(tmpdir(), 'strikebase-own-'));
  chmodSync(root, 0o711);
  const cluster = await placeIn(root);
  if (cluster.account.ids !== null) chownSync(root, cluster.account.ids.uid, cluster.account.ids.gid);
  const password = randomBytes(18).toString('base64url');
  const port = await freePort();
  const preload = engineName() === 'timescaledb' ? { shared_preload_libraries: 'timescaledb' } : {};
  await createCluster(cluster, { password, initdbArgs: ['--no-sync'] });
  writeSettings(cluster, { ...SETTINGS, ...preload, port });
  let pid = 0;
  const start = async (): Promise<void> => {
    // Until it has gone, the killed one looks like a server that is ready.
    if (pid !== 0) await waitForEnd(pid);
    // Orphans of a killed server keep its memory until they have noticed.
    const started = await poll(
      async () => {
        const server = await launch(cluster, { onSlow: () => {} });
        return typeof server === 'string' ? null : server;
      },
      { everyMs: 200, timeoutMs: 60_000 },
    );
    if (started === null) throw new Error('the server does not start again');
    pid = started.pid;
  };
  await start();
  const base = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}`;
  const admin = new pg.Client({ connectionString: `${base}/postgres` });
  await admin.connect();
  await admin.query(`create database ${DATABASE}`);
  await admin.end();
  const url = `${base}/${DATABASE}`;
  await migrate(url);
  let pool: pg.Pool | null = null;
  return {
    url,
    pool: () => {
      pool ??= new pg.Pool({ connectionString: url, max: 3 }).on('error', () => {});
      return pool;
    },
    kill: () => {
      process.kill(pid, 'SIGKILL');
    },
    start,
    end: async () => {
      await pool?.end();
      await stopServer(cluster.dataDir);
      await waitForEnd(pid);
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
