// As which user PostgreSQL runs, and where its data and programs are: PostgreSQL refuses to run as root.
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { type Binaries, binariesIn, copyNativeDir, isMendable } from './binaries.ts';
import { type Account, run } from './processes.ts';

export interface Place {
  readonly account: Account;
  /** Folder of `pgdata`: the one asked for, or one that the account can enter. */
  readonly home: string;
  readonly binaries: Binaries;
  /** Of the programs: `18`. */
  readonly majorVersion: string;
}

/** The file in the folder asked for that names the folder the data had to go to. */
const MOVED_TO = 'moved_to';
const MOVE_PARENTS = ['/var/lib/strikebase', '/var/tmp/strikebase'];

export const ownAccount: Account = { label: 'this user', prefix: [], ids: null };

/** Our own files, seen by a process that is told it is nobody: works in folders that other users cannot enter. */
export const namespaceAccount: Account = {
  label: 'a user namespace',
  prefix: ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--'],
  ids: null,
};

function hasUserName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

/** Whether the account may write in `home` and to the data already there, and run the programs. */
async function canWork(account: Account, home: string, binaries: Binaries): Promise<boolean> {
  const script = 'test -w "$1" && { test ! -e "$1/pgdata" || test -w "$1/pgdata"; } && exec "$2" --version';
  return (await run(account, 'sh', ['-c', script, 'sh', home, binaries.postgres])).code === 0;
}

async function canReach(account: Account, path: string): Promise<boolean> {
  return (await run(account, 'sh', ['-c', 'test -x "$1"', 'sh', path])).code === 0;
}

/** The first of the two ways that leave every file ours: run directly, or in a user namespace; null where neither works. */
export async function accountWithOwnFiles(home: string, binaries: Binaries): Promise<Account | null> {
  // initdb also refuses a user id without a name, as containers started with --user have it.
  if (process.getuid?.() !== 0 && hasUserName()) return ownAccount;
  return (await canWork(namespaceAccount, home, binaries)) ? namespaceAccount : null;
}

/** Another user of this machine to run as when we are root: the owner of existing data, else postgres or nobody. */
export function otherAccount(dataDir: string): Account {
  const owner = existsSync(dataDir) ? statSync(dataDir) : null;
  if (owner !== null && owner.uid !== 0) {
    return { label: `user ${owner.uid}`, prefix: [], ids: { uid: owner.uid, gid: owner.gid } };
  }
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const user = users.find((fields) => fields[0] === name);
    if (user !== undefined) {
      return { label: `user ${name}`, prefix: [], ids: { uid: Number(user[2]), gid: Number(user[3]) } };
    }
  }
  throw new Failure(
    'PostgreSQL refuses to run as root, and this machine has no user postgres or nobody to run it as',
    {
      hint: 'Run strikebase as an ordinary user, or set DATABASE_URL to a server.',
    },
  );
}

/** Where an earlier start put the data, else `dir` itself. Throws a Failure if that folder has gone. */
export function recordedHome(dir: string): string {
  const record = join(dir, MOVED_TO);
  if (!existsSync(record)) return dir;
  const home = readFileSync(record, 'utf8').trim();
  if (existsSync(home)) return home;
  throw new Failure(`the database's folder ${home}, named in ${record}, has gone`, {
    hint: `Bring it back, or remove ${record} to begin with an empty database.`,
  });
}

/** Makes a folder that `account` can enter, for a `dir` that it cannot, and records it in `dir`. */
async function moveHome(dir: string, home: string, account: Account): Promise<string> {
  if (existsSync(join(home, 'pgdata'))) {
    throw new Failure(
      `the database in ${home} was made as root, and ${account.label} cannot enter that folder`,
      {
        hint: 'Allow user namespaces (unshare --user) again, or let others enter the folders above it: chmod o+x.',
      },
    );
  }
  for (const parent of MOVE_PARENTS) {
    const made = makeHome(parent, account);
    if (made === null) continue;
    if (!(await canReach(account, made))) {
      rmdirSync(made);
      continue;
    }
    writeFileSync(join(dir, MOVED_TO), `${made}\n`);
    return made;
  }
  throw new Failure(
    `PostgreSQL refuses to run as root, and ${account.label} can enter no folder for its data`,
    {
      hint: 'Run strikebase as an ordinary user or in a folder that other users can enter (chmod o+x), or set DATABASE_URL.',
    },
  );
}

// A fresh folder each time: whoever deletes `dir` to start anew must not get the old data back.
function makeHome(parent: string, account: Account): string | null {
  try {
    mkdirSync(parent, { recursive: true, mode: 0o755 });
    const found = lstatSync(parent);
    // Anybody can make folders in /var/tmp: one that is not root's is not used.
    if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) return null;
    const home = mkdtempSync(join(parent, 'data-'));
    if (account.ids !== null) chownSync(home, account.ids.uid, account.ids.gid);
    return home;
  } catch {
    return null;
  }
}

async function placeAsOther(
  dir: string,
  home: string,
  nativeDir: string,
): Promise<Omit<Place, 'majorVersion'>> {
  if (process.getuid?.() !== 0) {
    throw new Failure(`user id ${process.getuid?.()} has no name on this machine, which PostgreSQL needs`, {
      hint: 'Run as a user of /etc/passwd, or set DATABASE_URL to a server.',
    });
  }
  const account = otherAccount(join(home, 'pgdata'));
  const reachable = (await canReach(account, home)) ? home : await moveHome(dir, home, account);
  const binaries = binariesIn(join(nativeDir, 'bin'));
  if (await canReach(account, binaries.postgres)) return { account, home: reachable, binaries };
  const copy = copyNativeDir(nativeDir, reachable);
  return { account, home: reachable, binaries: binariesIn(join(copy, 'bin')) };
}

/**
 * Decides how PostgreSQL runs for the data of `dir`, touching the system as little as possible: as ourselves, as root in
 * a user namespace, and only where that is forbidden as another user, if need be in another folder.
 */
export async function choosePlace(
  dir: string,
  packaged: string,
  notice: (text: string) => void,
): Promise<Place> {
  const home = recordedHome(dir);
  const nativeDir = mendedNativeDir(packaged, home, notice);
  const binaries = binariesIn(join(nativeDir, 'bin'));
  const account = await accountWithOwnFiles(home, binaries);
  const place = account === null ? await placeAsOther(dir, home, nativeDir) : { account, home, binaries };
  if (place.account.ids !== null && !existsSync(join(place.home, 'pgdata'))) {
    const where = place.home === dir ? '' : `, with its data in ${place.home}`;
    notice(`the database runs as ${place.account.label}, because PostgreSQL refuses to run as root${where}`);
  }
  return { ...place, majorVersion: await majorVersionOf(place.account, place.binaries) };
}

/** The major version of the programs. Throws a Failure if they do not run on this machine. */
export async function majorVersionOf(account: Account, binaries: Binaries): Promise<string> {
  const { stdout, stderr } = await run(account, binaries.postgres, ['--version']);
  const version = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new Failure(`the built-in database's programs do not run on this machine: ${stderr.trim()}`, {
    hint: 'They need a system with glibc (not Alpine). Set DATABASE_URL to a PostgreSQL or TimescaleDB server instead.',
  });
}

function mendedNativeDir(packaged: string, home: string, notice: (text: string) => void): string {
  if (isMendable(packaged)) return packaged;
  notice(`${packaged} is read-only and lacks links between its libraries; using a copy in ${home} (60 MB)`);
  return copyNativeDir(packaged, home);
}
