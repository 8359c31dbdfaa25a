// What doctor looks at on this machine: Node, settings, secrets, disk, and what the built-in database needs.
import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { type Config, envExample } from '../core/config.ts';
import { errorText, Failure } from '../core/failure.ts';
import { binariesIn, findNativeDir, isMendable } from '../db/embedded/binaries.ts';
import { majorVersionOf, ownAccount, recordedHome } from '../db/embedded/place.ts';
import { isPortFree, portsToTry } from '../db/embedded/ports.ts';
import { isPostmasterOf } from '../db/embedded/processes.ts';

export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'FAIL';
  readonly detail: string;
  /** What to do; null where there is nothing. */
  readonly hint: string | null;
}

const GIB = 2 ** 30;
const LEAST_BYTES = 1 * GIB;
// A day of second bars and option quotes is some hundred megabytes.
const AMPLE_BYTES = 10 * GIB;
const OPEN_TO_OTHERS = 0o077;

export function ok(name: string, detail: string): Finding {
  return { name, state: 'ok', detail, hint: null };
}

export function warn(name: string, detail: string, hint: string): Finding {
  return { name, state: 'warn', detail, hint };
}

export function fail(name: string, detail: string, hint: string): Finding {
  return { name, state: 'FAIL', detail, hint };
}

/** What was thrown as a finding: a Failure brings its own words what to do. */
export function failed(name: string, error: unknown, otherwise: string): Finding {
  return fail(name, errorText(error), error instanceof Failure ? (error.hint ?? otherwise) : otherwise);
}

/** The version of Node, e.g. `v22.1.0`, against the oldest that works. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 11)) return ok('node', version);
  return fail(
    'node',
    `${version} is too old`,
    'Install Node 20.11 or newer from https://nodejs.org, then run `npm ci`.',
  );
}

/** Variables of `.env` that strikebase does not know, and whether other users may read the file. */
export async function checkEnvFile(
  path: string,
  { isLive }: { readonly isLive: boolean },
): Promise<Finding[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') {
      return [ok('.env', `none in ${resolve('.')}: the environment alone counts, and the defaults`)];
    }
    return [fail('.env', `${path} cannot be read: ${errorText(error)}`, 'Make it readable for this user.')];
  }
  const known = new Set([...envExample().matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name]) => name));
  const given = Object.entries(parseDotenv(text)).filter(([, value]) => value !== '');
  const unknown = given.map(([name]) => name).filter((name) => !known.has(name) && !isForCompose(name));
  return [
    unknown.length === 0
      ? ok('.env', `${given.length} variables set`)
      : warn('.env', `unknown: ${unknown.join(', ')}`, 'A typo? .env.example lists every variable there is.'),
    await checkPrivate(path, isLive),
  ];
}

// Read by docker compose and Grafana, not by us.
function isForCompose(name: string): boolean {
  return /^(GF|GRAFANA|POSTGRES|COMPOSE|TZ|STRIKEBASE)(_|$)/.test(name);
}

async function checkPrivate(path: string, isLive: boolean): Promise<Finding> {
  const { mode } = await stat(path);
  if (process.platform === 'win32' || (mode & OPEN_TO_OTHERS) === 0)
    return ok('secrets', `${path} is yours alone`);
  const judge = isLive ? fail : warn;
  return judge('secrets', `other users of this machine may read ${path}`, `Run \`chmod 600 ${path}\`.`);
}

/** The folder of the data: can it be written, and is there space? */
export async function checkDisk(dir: string): Promise<Finding> {
  const folder = await nearestFolder(resolve(dir));
  try {
    await access(folder, constants.W_OK);
  } catch {
    return fail(
      'disk',
      `${folder} may not be written`,
      'Run in a folder of your own, or set STRIKEBASE_DIR to one.',
    );
  }
  const { bavail, bsize } = await statfs(folder);
  return judgeSpace(bavail * bsize, folder);
}

/** Bytes that are free, judged. */
export function judgeSpace(bytes: number, folder: string): Finding {
  const detail = `${(bytes / GIB).toFixed(1)} GiB free at ${folder}`;
  if (bytes < LEAST_BYTES) {
    return fail(
      'disk',
      detail,
      'Free some, or set STRIKEBASE_DIR to a larger disk; docs/server.md says what a day takes.',
    );
  }
  if (bytes < AMPLE_BYTES)
    return warn('disk', detail, 'Enough to try it; docs/server.md says what a day of live data takes.');
  return ok('disk', detail);
}

async function nearestFolder(path: string): Promise<string> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere ? path : nearestFolder(join(path, '..'));
}

/** The programs of the built-in database. */
export async function checkBinaries(): Promise<Finding> {
  const name = 'binaries';
  try {
    const nativeDir = findNativeDir();
    isMendable(nativeDir);
    const version = await majorVersionOf(ownAccount, binariesIn(join(nativeDir, 'bin')));
    return ok(name, `built-in PostgreSQL ${version} for ${process.platform}-${process.arch} runs`);
  } catch (error) {
    return failed(name, error, 'Run `npm ci` again, or set DATABASE_URL to a server.');
  }
}

/** The port of the built-in database: free, ours, or somebody else's. */
export async function checkPort(config: Pick<Config, 'strikebaseDir' | 'strikebasePort'>): Promise<Finding> {
  const name = 'port';
  const dir = resolve(config.strikebaseDir);
  const { strikebasePort: wanted } = config;
  try {
    const home = recordedHome(dir);
    if (await isRunning(join(home, 'pgdata'))) {
      return ok(name, `the built-in database is running on ${portsToTry(home, wanted).last ?? wanted}`);
    }
    if (await isPortFree(wanted)) return ok(name, `${wanted} is free`);
    return warn(
      name,
      `${wanted} is used by another program; the built-in database takes the next free one`,
      'Set STRIKEBASE_PORT to a free port to keep one address.',
    );
  } catch (error) {
    return failed(name, error, 'Set STRIKEBASE_PORT to a free port.');
  }
}

async function isRunning(dataDir: string): Promise<boolean> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  return pid > 0 && isPostmasterOf(pid, dataDir);
}
