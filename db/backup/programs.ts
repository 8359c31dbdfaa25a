// PostgreSQL's own pg_dump and pg_restore: found where packages put them, run with the password in the environment.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../../core/failure.ts';

export type ProgramName = 'pg_dump' | 'pg_restore';

const PACKAGES = '/usr/lib/postgresql';
// Said of every hypertable; restoring between timescaledb_pre_restore and _post_restore is what it asks for.
const NOISE =
  /circular foreign-key|^pg_dump: (detail|hint)|You might not be able to restore|Consider using a full/;

/** The newest program on PATH or where Debian keeps them. Throws a Failure where there is none of `major` or newer. */
export function findProgram(name: ProgramName, major: number): string {
  const found = candidates(name).flatMap((path) => {
    const known = majorOf(path);
    return known === null ? [] : [{ path, known }];
  });
  const fit = found.sort((a, b) => a.known - b.known).find((each) => each.known >= major);
  if (fit !== undefined) return fit.path;
  const have = [...new Set(found.map((each) => each.known))].join(', ');
  throw new Failure(
    found.length === 0
      ? `${name} is not installed on this machine`
      : `${name} ${have} is older than the server, PostgreSQL ${major}`,
    {
      hint:
        `Install it: apt install postgresql-client-${major}, brew install libpq, or run this command in the image of ` +
        'docker-compose.yml; `--format rows` needs nothing.',
    },
  );
}

function candidates(name: ProgramName): readonly string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const packaged = existsSync(PACKAGES)
    ? readdirSync(PACKAGES).map((each) => join(PACKAGES, each, 'bin'))
    : [];
  return [...new Set([...folders, ...packaged].map((folder) => join(folder, name)))].filter(existsSync);
}

function majorOf(path: string): number | null {
  try {
    const text = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(/(\d+)/.exec(text)?.[1] ?? Number.NaN) || null;
  } catch {
    return null;
  }
}

export interface RunOptions {
  /** Of the database, or null where the program reads its file alone. */
  readonly url: string | null;
  /** Where standard output goes; default nowhere. */
  readonly to?: Writable;
  /** A line of `--verbose`. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs a program to its end. Throws a Failure with its last words when it fails. */
export async function runProgram(path: string, args: readonly string[], options: RunOptions): Promise<void> {
  const { url, to, onLine, signal } = options;
  const child = spawn(path, [...args], {
    env: { ...process.env, ...(url === null ? {} : connectionOf(url)), LC_MESSAGES: 'C' },
    stdio: ['ignore', to === undefined ? 'ignore' : 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  const words: string[] = [];
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      onLine?.(line);
      if (/error|fatal|warning/i.test(line) && !NOISE.test(line)) words.push(line);
    }
  })();
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  const [, , code] = await Promise.all([
    to === undefined || child.stdout === null ? null : pipeline(child.stdout, to),
    reading,
    ended,
  ]);
  if (code !== 0) throw new Failure(`${path} failed: ${words.slice(-3).join('; ') || `exit code ${code}`}`);
}

/** Where to connect, as libpq reads it: a password on the command line is seen by everybody on the machine. */
function connectionOf(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const given = {
    PGHOST: searchParams.get('host') ?? decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1'),
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    PGSSLMODE: searchParams.get('sslmode') ?? '',
    PGAPPNAME: 'strikebase backup',
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
}
