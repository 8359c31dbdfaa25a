// For tests and benchmarks: a PostgreSQL server in a temporary folder that ends, and takes its folder along, with the process
// that started it.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binariesIn, findNativeDir } from './binaries.ts';
import { type Cluster, createCluster, type Settings, SUPERUSER, writeSettings } from './cluster.ts';
import { accountWithOwnFiles, choosePlace, otherAccount } from './place.ts';
import { settle } from './postmaster.ts';
import { bareEnvironment, poll } from './processes.ts';

export interface ThrowawayCluster {
  url(database: string): string;
  stop(): Promise<void>;
}

// Of these it depends that the server can be reached, and that its messages are understood.
const SETTINGS: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  lc_messages: 'C',
  datestyle: 'iso, ymd',
};

const STARTS = 5;

// Standard input is the lifeline: it closes when our process ends, by kill -9 too. Then the server is shut down at once, and
// the folder removed. A server that ends by itself is reported on standard output.
const SUPERVISOR = `
  trap '' PIPE
  exec 3<&0
  "$1" -D "$2" </dev/null >&2 & server=$!
  { read -r line <&3; kill -QUIT $server; } 2>/dev/null &
  wait $server
  echo ended 2>/dev/null
  cat <&3 >/dev/null
  rm -rf -- "$3"
`;

async function placeFor(
  root: string,
  binDir: string | null,
): Promise<Pick<Cluster, 'account' | 'binaries' | 'dataDir'>> {
  if (binDir === null) {
    const { account, binaries, home } = await choosePlace(root, findNativeDir(), () => {});
    return { account, binaries, dataDir: join(home, 'pgdata') };
  }
  const binaries = binariesIn(binDir);
  const dataDir = join(root, 'pgdata');
  return { account: (await accountWithOwnFiles(root, binaries)) ?? otherAccount(dataDir), binaries, dataDir };
}

function randomPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function spawnSupervisor(cluster: Cluster, root: string): ChildProcess {
  const { account, binaries, dataDir, logFile } = cluster;
  const command = [...account.prefix, 'sh', '-c', SUPERVISOR, 'sh', binaries.postgres, dataDir, root];
  const [file = 'sh', ...args] = command;
  const log = openSync(logFile, 'a');
  // A session of its own: Ctrl-C must reach us alone, so that the server outlives the last statements.
  const options = { cwd: '/', detached: true, env: bareEnvironment(), ...account.ids };
  const child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', log] });
  closeSync(log);
  return child;
}

/** Closes the lifeline and waits until the supervisor has cleaned up. */
function endSupervisor(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.stdin?.end();
    if (child.exitCode !== null) resolve();
  });
}

async function tryStart(
  cluster: Cluster,
  root: string,
  settings: Settings,
): Promise<{ child: ChildProcess; port: number } | null> {
  writeSettings(cluster, { ...settings, ...SETTINGS, port: await randomPort() });
  const child = spawnSupervisor(cluster, root);
  let hasEnded = false;
  child.stdout?.once('data', () => {
    hasEnded = true;
  });
  child.once('exit', () => {
    hasEnded = true;
  });
  const probe = async () => (hasEnded ? 'ended' : await settle(cluster.dataDir));
  const server = await poll(probe, { everyMs: 20, timeoutMs: 60_000 });
  if (server !== null && server !== 'ended') return { child, port: server.port };
  const log = readFileSync(cluster.logFile, 'utf8');
  await endSupervisor(child);
  if (/could not bind/.test(log)) return null;
  throw new Error(`the throw-away database did not start:\n${log}`);
}

/** Null when another process took the port first. */
async function startIn(root: string, options: ThrowawayOptions): Promise<ThrowawayCluster | null> {
  const password = randomBytes(18).toString('base64url');
  const cluster: Cluster = { ...(await placeFor(root, options.binDir)), logFile: join(root, 'postgres.log') };
  // The supervisor, which runs as the server's user, removes the folder at the end.
  const { ids } = cluster.account;
  if (ids !== null) chownSync(root, ids.uid, ids.gid);
  await createCluster(cluster, { password, initdbArgs: ['--no-sync'] });
  const started = await tryStart(cluster, root, options.settings);
  if (started === null) return null;
  return {
    url: (database) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${started.port}/${database}`,
    stop: async () => {
      await endSupervisor(started.child);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export interface ThrowawayOptions {
  /** Folder of an installed server's programs; null for the built-in ones. */
  readonly binDir: string | null;
  readonly settings: Settings;
}

/** Starts a server that lives no longer than this process. */
export async function startThrowaway(options: ThrowawayOptions): Promise<ThrowawayCluster> {
  for (let start = 0; start < STARTS; start += 1) {
    const root = mkdtempSync(join(tmpdir(), 'strikebase-throwaway-'));
    // Where PostgreSQL runs as another user it has to get to its data in there.
    chmodSync(root, 0o711);
    // Until the supervisor has taken over; initdb may still be writing while we leave.
    const cleanUp = (): void => rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    process.once('exit', cleanUp);
    try {
      const cluster = await startIn(root, options);
      if (cluster !== null) return cluster;
    } catch (error) {
      cleanUp();
      throw error;
    } finally {
      process.off('exit', cleanUp);
    }
  }
  throw new Error(`the throw-away database found no free port in ${STARTS} tries`);
}
