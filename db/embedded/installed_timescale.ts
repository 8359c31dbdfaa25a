// For tests and benchmarks: a TimescaleDB that is installed on this machine, found where packages put it.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface InstalledTimescale {
  readonly binDir: string;
  /** Of the extension: `2.28.3`. */
  readonly version: string;
}

const OLDEST_POSTGRES = 15;

function runQuietly(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** `pattern` is a path in which one segment may hold a `*`. */
function expand(pattern: string): string[] {
  const segments = pattern.split('/');
  const at = segments.findIndex((segment) => segment.includes('*'));
  const folder = segments.slice(0, at).join('/');
  const [before = '', after = ''] = (segments[at] ?? '').split('*');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.startsWith(before) && name.endsWith(after));
  return names.map((name) => join(folder, name, ...segments.slice(at + 1)));
}

function candidateBinDirs(): string[] {
  const patterns = [
    '/usr/lib/postgresql/*/bin',
    '/usr/pgsql-*/bin',
    '/opt/homebrew/opt/postgresql@*/bin',
    '/usr/local/opt/postgresql@*/bin',
  ];
  return [...new Set([runQuietly('pg_config', ['--bindir']), ...patterns.flatMap(expand)])];
}

function timescaleIn(binDir: string): (InstalledTimescale & { major: number }) | null {
  if (!existsSync(join(binDir, 'postgres')) || !existsSync(join(binDir, 'initdb'))) return null;
  const major = Number(/(\d+)/.exec(runQuietly(join(binDir, 'postgres'), ['--version']))?.[1] ?? 0);
  const shareDirs = [runQuietly(join(binDir, 'pg_config'), ['--sharedir']), `/usr/share/postgresql/${major}`];
  const controls = shareDirs.map((dir) => join(dir, 'extension', 'timescaledb.control'));
  const control = controls.find((path) => existsSync(path));
  if (major < OLDEST_POSTGRES || control === undefined) return null;
  const version = /default_version = '([^']+)'/.exec(readFileSync(control, 'utf8'))?.[1] ?? 'unknown version';
  return { binDir, version, major };
}

/** The installed TimescaleDB on the newest PostgreSQL, or null. */
export function findTimescale(): InstalledTimescale | null {
  const found = candidateBinDirs().flatMap((dir) => timescaleIn(dir) ?? []);
  return found.sort((a, b) => b.major - a.major)[0] ?? null;
}
