// A lock between processes: a file that only one of them can create. One left by a process that died is taken over.
import { randomBytes } from 'node:crypto';
import { open, readFile, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../../../core/clock.ts';
import { Failure } from '../../../core/failure.ts';

export interface FileLockOptions {
  readonly path: string;
  /** Real time. */
  readonly transport: Clock;
  /** A lock that stands unchanged for so long belongs to nobody; longer than any work done under it. Default 45,000. */
  readonly staleAfterMs?: number;
}

const STALE_AFTER_MS = 45_000;
const POLL_MS = 50;
// Another process may have judged the same lock dead and taken it over in the same moment.
const SETTLE_MS = 100;
// What this very process has written. In a container a process has the number of the one that died before it.
const ours = new Set<string>();

/**
 * Does `work` while holding the lock, and waits for it before, at most twice `staleAfterMs`. Throws a Failure when others hold
 * it for all that time, and whatever `work` throws.
 */
export async function withFileLock<T>(options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  const mine = `${hostname()} ${process.pid} ${randomBytes(8).toString('hex')}\n`;
  ours.add(mine);
  try {
    await acquire(options, mine);
    return await work();
  } finally {
    ours.delete(mine);
    if ((await contentOf(options.path)) === mine) await unlink(options.path).catch(() => undefined);
  }
}

async function acquire(options: FileLockOptions, mine: string): Promise<void> {
  const { path, transport, staleAfterMs = STALE_AFTER_MS } = options;
  let seen: string | null = null;
  let seenForMs = 0;
  for (let waitedMs = 0; waitedMs <= staleAfterMs * 2; waitedMs += POLL_MS) {
    if (await create(path, mine)) return;
    const holder = await contentOf(path);
    seenForMs = holder === seen ? seenForMs + POLL_MS : 0;
    seen = holder;
    const isStale = holder !== null && (isDead(holder) || seenForMs >= staleAfterMs);
    if (isStale && (await takeOver({ path, transport, holder, mine }))) return;
    await transport.sleep(POLL_MS);
  }
  throw new Failure(`other processes hold ${path}: ${seen?.trim() ?? 'they come and go'}`, {
    hint: 'Is another strikebase waiting for Schwab? If none is running, delete that file.',
  });
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(content).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false;
    throw new Failure(`the lock ${path} cannot be made`, { cause: error, hint: 'Is the folder writable?' });
  }
}

async function contentOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

function isDead(holder: string): boolean {
  const [host, pid] = holder.trim().split(' ');
  // A lock just created is empty for a moment, and a process of another machine cannot be looked for.
  if (host !== hostname() || !Number.isSafeInteger(Number(pid)) || Number(pid) <= 0) return false;
  if (Number(pid) === process.pid) return !ours.has(holder);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
}

async function takeOver(lock: {
  readonly path: string;
  readonly transport: Clock;
  readonly holder: string;
  readonly mine: string;
}): Promise<boolean> {
  const { path, transport, holder, mine } = lock;
  if ((await contentOf(path)) !== holder) return false;
  await unlink(path).catch(() => undefined);
  if (!(await create(path, mine))) return false;
  await transport.sleep(SETTLE_MS);
  return (await contentOf(path)) === mine;
}
