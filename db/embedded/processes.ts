// Other processes of this machine, as far as starting a server needs them: run one, ask whether one lives, which it is.
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How PostgreSQL's programs are run: as ourselves, in a user namespace, or as another user. */
export interface Account {
  readonly label: string;
  /** Goes before the program and its arguments. */
  readonly prefix: readonly string[];
  /** The user to switch to, who then owns the data; null where files are our own. */
  readonly ids: { readonly uid: number; readonly gid: number } | null;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PASSED_ON = ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR'];

/** The environment of PostgreSQL's programs: our own holds vendor keys, which the server has no business with. */
export function bareEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), LC_ALL: 'C', ...extra };
}

/** Runs a program to its end; a program that cannot be started has code 127 and the reason on stderr. */
export function run(account: Account, program: string, args: readonly string[]): Promise<Outcome> {
  const [file = program, ...rest] = [...account.prefix, program, ...args];
  const options = { cwd: '/', env: bareEnvironment(), maxBuffer: 4_000_000, ...account.ids };
  return new Promise((resolve) => {
    execFile(file, rest, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ code, stdout, stderr: code === 127 ? `${stderr}${error?.message ?? ''}` : stderr });
    });
  });
}

function psColumn(pid: number, column: string): string | null {
  try {
    return execFileSync('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}

// Fields 3 (state) and 22 (start time) of /proc/PID/stat; the name in brackets before them may hold blanks.
function linuxStat(pid: number): { state: string; started: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', started: fields[19] ?? '' };
  } catch {
    return null;
  }
}

/** True while the process runs. A zombie does not: in a container without an init nobody collects it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const state = process.platform === 'linux' ? linuxStat(pid)?.state : psColumn(pid, 'stat');
  return !(state ?? '?').startsWith('Z');
}

/** A text that differs between two processes which had the same id one after the other; null if it is gone. */
export function startOf(pid: number): string | null {
  return process.platform === 'linux' ? (linuxStat(pid)?.started ?? null) : psColumn(pid, 'lstart');
}

function programName(pid: number): string | null {
  if (process.platform !== 'linux') return psColumn(pid, 'comm');
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return null;
  }
}

/**
 * Whether `pid` is the live postmaster of `dataDir`, rather than a stranger that got its number after a crash or reboot.
 * In doubt the answer is yes, since a second postmaster on one data directory must never be started.
 */
export function isPostmasterOf(pid: number, dataDir: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    // The postmaster works in its data directory; this also holds after the project's folder was renamed.
    const [works, data] = [statSync(`/proc/${pid}/cwd`), statSync(dataDir)];
    return works.ino === data.ino && works.dev === data.dev;
  } catch {
    const program = programName(pid);
    return program === null || basename(program) === 'postgres';
  }
}

/** Waits until `probe` gives something other than null, looking every `everyMs`; null after `timeoutMs`. */
export async function poll<T>(
  probe: () => T | null | Promise<T | null>,
  options: { everyMs: number; timeoutMs: number },
): Promise<T | null> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() >= end) return null;
    await delay(options.everyMs);
  }
}
