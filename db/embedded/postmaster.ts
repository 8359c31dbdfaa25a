// The server process of a cluster: found, launched, watched until it is ready, stopped.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import type { Cluster } from './cluster.ts';
import { bareEnvironment, isAlive, isPostmasterOf, poll } from './processes.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly status: 'starting' | 'ready' | 'stopping';
}

/** What `postmaster.pid` says: a live server, or the process id that a dead one left there. */
export interface Inspection {
  readonly live: Postmaster | null;
  readonly stalePid: number | null;
}

/** Why a launched server did not come up. */
export type LaunchProblem = 'port taken' | 'orphans' | 'other server';

const READY_MS = 600_000;
const STOP_MS = 120_000;

/** Looks for the server of a data directory in its `postmaster.pid` (line 1 process id, 4 port, 8 status). */
export function inspect(dataDir: string): Inspection {
  const lines = readPidFile(dataDir);
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return { live: null, stalePid: null };
  if (!isPostmasterOf(pid, dataDir)) return { live: null, stalePid: pid };
  const status = lines[7] === 'ready' || lines[7] === 'stopping' ? lines[7] : 'starting';
  return { live: { pid, port: Number(lines[3] ?? 0), status }, stalePid: null };
}

function readPidFile(dataDir: string): string[] {
  try {
    const text = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8');
    return text.split('\n').map((line) => line.trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The server of a data directory once it is ready, or null once there is none; waits while it starts or stops. */
export async function settle(dataDir: string): Promise<Postmaster | null> {
  const probe = (): Postmaster | 'none' | null => {
    const { live } = inspect(dataDir);
    if (live === null) return 'none';
    return live.status === 'ready' ? live : null;
  };
  const found = await poll(probe, { everyMs: 50, timeoutMs: READY_MS });
  if (found !== null) return found === 'none' ? null : found;
  throw new Failure(
    `the database server in ${dataDir} has been starting or stopping for ${READY_MS / 60_000} minutes`,
    {
      hint: `Stop the process named in the first line of ${join(dataDir, 'postmaster.pid')}, then try again.`,
    },
  );
}

/** Starts the server as a process of its own session, so that neither Ctrl-C nor our end reaches it. */
export async function launch(
  cluster: Cluster,
  options: { onSlow: () => void },
): Promise<Postmaster | LaunchProblem> {
  const logStart = existsSync(cluster.logFile) ? statSync(cluster.logFile).size : 0;
  removeEmptyPidFile(cluster.dataDir);
  const child = spawnServer(cluster, inspect(cluster.dataDir).stalePid);
  let end: string | null = null;
  child.once('error', (error) => {
    end = error.message;
  });
  child.once('exit', (code, signal) => {
    end = `it ended with ${signal ?? `code ${code}`}`;
  });
  const slow = setTimeout(options.onSlow, 5_000);
  try {
    const probe = (): Postmaster | 'ended' | null => (end !== null ? 'ended' : readyServer(cluster.dataDir));
    const found = await poll(probe, { everyMs: 20, timeoutMs: READY_MS });
    if (found !== null && found !== 'ended') return found;
  } finally {
    clearTimeout(slow);
    child.unref();
  }
  return explainEnd(cluster, end ?? `it is not ready after ${READY_MS / 60_000} minutes`, logStart);
}

// A machine that lost power can leave it empty, and PostgreSQL then refuses to start. We hold the start lock and saw no server.
function removeEmptyPidFile(dataDir: string): void {
  const file = join(dataDir, 'postmaster.pid');
  if (existsSync(file) && statSync(file).size === 0) rmSync(file);
}

function spawnServer(cluster: Cluster, stalePid: number | null) {
  const { account, binaries, dataDir, logFile } = cluster;
  // postmaster.pid is never deleted by us. PostgreSQL overlooks the id in it if it is its own grandparent's, and then
  // still refuses to start while orphans of the dead server use its shared memory.
  const extra = stalePid === null ? {} : { PG_GRANDPARENT_PID: String(stalePid) };
  const [file = binaries.postgres, ...rest] = [...account.prefix, binaries.postgres, '-D', dataDir];
  const log = openSync(logFile, 'a', 0o600);
  try {
    const stdio = ['ignore' as const, log, log];
    return spawn(file, rest, {
      cwd: '/',
      detached: true,
      stdio,
      env: bareEnvironment(extra),
      ...account.ids,
    });
  } finally {
    closeSync(log);
  }
}

function readyServer(dataDir: string): Postmaster | null {
  const { live } = inspect(dataDir);
  return live?.status === 'ready' ? live : null;
}

function explainEnd(cluster: Cluster, end: string, logStart: number): LaunchProblem {
  const written = readFileSync(cluster.logFile).subarray(logStart).toString('utf8');
  if (/could not bind|could not create any TCP\/IP sockets/.test(written)) return 'port taken';
  if (/pre-existing shared memory block/.test(written)) return 'orphans';
  if (/lock file "postmaster.pid" (already exists|is empty)/.test(written)) return 'other server';
  const lines = written.split('\n').filter((line) => /FATAL|PANIC|ERROR|error/.test(line));
  const reason = lines.at(-1)?.replace(/^.*?(FATAL|PANIC|ERROR): */, '') ?? end;
  const hint = /No space left/.test(written)
    ? 'Free some space, then try again; the data is intact.'
    : `Read the end of ${cluster.logFile}. The data in ${cluster.dataDir} is as it was.`;
  throw new Failure(`the database server did not start: ${reason}`, { hint });
}

/** Waits for the end of a process; false if it still runs after the time for a shutdown with its last checkpoint. */
export async function waitForEnd(pid: number, timeoutMs: number = STOP_MS): Promise<boolean> {
  return (await poll(() => (isAlive(pid) ? null : true), { everyMs: 20, timeoutMs })) !== null;
}

/** Fast shutdown: open transactions roll back, everything committed is on disk. Returns when the server has gone. */
export async function stopServer(dataDir: string): Promise<boolean> {
  const { live } = inspect(dataDir);
  if (live === null) return true;
  process.kill(live.pid, 'SIGINT');
  return await waitForEnd(live.pid);
}
