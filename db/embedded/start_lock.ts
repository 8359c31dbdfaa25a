// One process at a time starts or stops the server of a folder: a file with the holder's process id.
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { errorText, Failure } from '../../core/failure.ts';
import { isAlive, poll, startOf } from './processes.ts';

// A start with crash recovery behind a big import takes minutes, never this long.
const WAIT_MS = 600_000;

// A lock without text is being written at this moment, or its writer was killed in that moment.
const UNWRITTEN_MS = 5_000;

function isStale(path: string, holder: string): boolean {
  const [pid, started] = holder.split(' ');
  if (pid === undefined || started === undefined) return Date.now() - statSync(path).mtimeMs > UNWRITTEN_MS;
  return !isAlive(Number(pid)) || startOf(Number(pid)) !== started.replaceAll('_', ' ');
}

// Renaming lets one of several finders win. If the lock was renewed since we read it, the new holder gets it back; should
// a third process slip in between, two proceed, and PostgreSQL's own postmaster.pid lets only one server start.
function removeStale(path: string, holder: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== holder) linkSync(aside, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function tryLock(path: string): true | null {
  try {
    const started = startOf(process.pid)?.replaceAll(' ', '_');
    writeFileSync(path, `${process.pid} ${started}`, { flag: 'wx' });
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT') rmSync(path, { force: true });
    if (code !== 'EEXIST') throw error;
  }
  try {
    const holder = readFileSync(path, 'utf8');
    if (isStale(path, holder)) removeStale(path, holder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return null;
}

/** Runs `work` while this process holds the lock file; a lock whose holder has died is taken over. */
export async function withStartLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  if ((await poll(() => tryLock(path), { everyMs: 100, timeoutMs: WAIT_MS })) === null) {
    throw new Failure(`another process has been starting the database for ${WAIT_MS / 60_000} minutes`, {
      hint: `See which: cat ${path}. Stop it, then try again.`,
    });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Turns an error of the file system into one that says what to do; anything else is returned as it is. */
export function explainFileError(error: unknown, dir: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Failure(`the disk that holds ${dir} is full`, {
      hint: 'Free some space, then try again.',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new Failure(`the database's folder ${dir} cannot be written: ${errorText(error)}`, {
      hint: `Run in a folder of your own, or take it over: sudo chown -R "$(id -u)" ${dir}`,
      cause: error,
    });
  }
  return error;
}
