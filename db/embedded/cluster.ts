// The files of a PostgreSQL cluster: made whole or not at all, checked before use, configured at every start.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../core/failure.ts';
import type { Binaries } from './binaries.ts';
import { type Account, run } from './processes.ts';

/** Everything that starting a cluster's server needs to know. */
export interface Cluster {
  readonly account: Account;
  readonly binaries: Binaries;
  readonly dataDir: string;
  /** The server's messages; opened by us, so that it may be where the account cannot write. */
  readonly logFile: string;
}

export type Settings = Readonly<Record<string, string | number>>;

export const SUPERUSER = 'strikebase';

// Written as the last file before the cluster gets its final name: a cluster without it is not one of ours.
const MARKER = 'strikebase.json';
const marker = z.object({ password: z.string().min(1) });

function writeOwned(path: string, text: string, account: Account): void {
  writeFileSync(path, text, { mode: 0o600, flush: true });
  if (account.ids !== null) chownSync(path, account.ids.uid, account.ids.gid);
}

/** Makes the cluster with `password` for its superuser. Throws a Failure with initdb's own words. */
export async function createCluster(
  cluster: Cluster,
  options: { password: string; initdbArgs?: readonly string[] },
): Promise<void> {
  const { account, binaries, dataDir } = cluster;
  // initdb works beside the final place: when it is interrupted nothing half-made ever stands there, and if it goes on
  // after we were killed it disturbs nobody.
  const staging = `${dataDir}.new-${process.pid}`;
  const passwordFile = `${staging}.password`;
  try {
    mkdirSync(staging, { mode: 0o700 });
    if (account.ids !== null) chownSync(staging, account.ids.uid, account.ids.gid);
    writeOwned(passwordFile, options.password, account);
    const args = ['-D', staging, '-U', SUPERUSER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    const locale = ['--locale=C', '--encoding=UTF8', '--no-instructions', ...(options.initdbArgs ?? [])];
    const { code, stderr } = await run(account, binaries.initdb, [...args, ...locale]);
    if (code !== 0) throw initFailure(dataDir, stderr);
    writeOwned(join(staging, MARKER), `${JSON.stringify({ password: options.password })}\n`, account);
    renameSync(staging, dataDir);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(staging, { recursive: true, force: true });
  }
}

function initFailure(dataDir: string, stderr: string): Failure {
  const reason = stderr.split('\n').find((line) => /error|fatal|panic/i.test(line)) ?? stderr.trim();
  const hint = /No space left/i.test(stderr)
    ? 'Free some space, then try again.'
    : 'Set DATABASE_URL to a PostgreSQL or TimescaleDB server instead, if this cannot be mended.';
  return new Failure(`the database could not be made in ${dataDir}: ${reason}`, { hint });
}

/** Removes what an interrupted `createCluster` left beside the data directory. */
export function removeLeftovers(dataDir: string): boolean {
  const prefix = `${dataDir}.new-`;
  const left = readdirSync(dirname(dataDir)).map((name) => join(dirname(dataDir), name));
  const stale = left.filter((path) => path.startsWith(prefix));
  for (const path of stale) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // An initdb that outlived its parent still writes there; the next start removes it.
    }
  }
  return stale.length > 0;
}

/**
 * The superuser's password of the cluster in `dataDir`, made first if there is none.
 * Throws a Failure for a cluster that is not ours, damaged, or of another major version.
 */
export async function openCluster(
  cluster: Cluster,
  options: { majorVersion: string; notice: (text: string) => void },
): Promise<string> {
  const { dataDir, account } = cluster;
  if (removeLeftovers(dataDir))
    options.notice('removed a half-made database that an interrupted start had left');
  setHalfMadeAside(dataDir, options.notice);
  if (!existsSync(join(dataDir, MARKER))) {
    options.notice(`making a new database in ${dataDir}`);
    await createCluster(cluster, { password: randomBytes(24).toString('base64url') });
  }
  const password = readPassword(dataDir);
  checkVersion(dataDir, options.majorVersion);
  giveTo(account, dataDir);
  return password;
}

// Ours are made beside the final place, so this is a foreign or a torn one. It is kept: nothing proves that it is empty.
function setHalfMadeAside(dataDir: string, notice: (text: string) => void): void {
  if (!existsSync(dataDir)) return;
  const names = readdirSync(dataDir);
  if (names.length === 0 || names.includes(MARKER)) return;
  if (existsSync(join(dataDir, 'global', 'pg_control'))) {
    throw new Failure(`${dataDir} holds a PostgreSQL cluster that strikebase did not make`, {
      hint: 'Move it away, or start its server yourself and set DATABASE_URL to it.',
    });
  }
  const aside = `${dataDir}.half-made-${Date.now()}`;
  renameSync(dataDir, aside);
  notice(`found a half-made database without any server state in it; moved it to ${aside}`);
}

/** The superuser's password as `createCluster` stored it. */
export function readPassword(dataDir: string): string {
  try {
    return marker.parse(JSON.parse(readFileSync(join(dataDir, MARKER), 'utf8'))).password;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EACCES') throw cause;
    const hint = 'Restore it from a backup, or move the folder away to begin with an empty database.';
    throw new Failure(`the database in ${dataDir} is damaged: ${MARKER} is missing or unreadable`, {
      hint,
      cause,
    });
  }
}

function checkVersion(dataDir: string, majorVersion: string): void {
  const file = join(dataDir, 'PG_VERSION');
  const made = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'an unknown version';
  if (made === majorVersion) return;
  throw new Failure(`${dataDir} was made by PostgreSQL ${made}; the installed one is ${majorVersion}`, {
    hint: `Use the strikebase version that made it, or move ${dataDir} away to begin with an empty database.`,
  });
}

// The way PostgreSQL runs can change between two starts (a container without user namespaces, say).
function giveTo(account: Account, dataDir: string): void {
  const { ids } = account;
  if (ids === null || statSync(dataDir).uid === ids.uid) return;
  for (const name of readdirSync(dataDir, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(dataDir, name), ids.uid, ids.gid);
  }
  lchownSync(dataDir, ids.uid, ids.gid);
}

/** Writes postgresql.conf anew. `alter system` still has the last word, in postgresql.auto.conf. */
export function writeSettings(cluster: Cluster, settings: Settings): void {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`);
  const head = '# Written at every start by strikebase; use alter system for settings of your own.';
  const path = join(cluster.dataDir, 'postgresql.conf');
  writeOwned(path, `${[head, ...lines].join('\n')}\n`, cluster.account);
  chmodSync(path, 0o600);
}
