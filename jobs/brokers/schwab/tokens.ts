// The tokens of the Schwab login, encrypted in one file that all processes of this installation share.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../../core/clock.ts';
import {
  type EasternUs,
  epochMsFromEastern,
  formatEastern,
  parseEastern,
} from '../../../core/eastern_time.ts';
import { Failure } from '../../../core/failure.ts';
import { withFileLock } from './file_lock.ts';
import { createSealer } from './seal.ts';

export interface SchwabTokens {
  readonly accessToken: string;
  readonly accessIssuedAt: EasternUs;
  readonly accessLifeMs: number;
  readonly refreshToken: string;
  /** Of the login: refreshing does not extend it. */
  readonly refreshIssuedAt: EasternUs;
}

export interface TokenStore {
  readonly path: string;
  /** Null before the first login. Throws a Failure on a wrong key, a damaged file, and one that others may read. */
  read(): Promise<SchwabTokens | null>;
  /** Replaces the file as a whole: a crash leaves the old one or the new one. */
  write(tokens: SchwabTokens): Promise<void>;
  /** Does `work` while no other process does anything under this lock. */
  locked<T>(work: () => Promise<T>): Promise<T>;
}

const FILE_NAME = 'schwab_tokens.json';
const OPEN_TO_OTHERS = 0o077;

const eastern = z.string().transform((text, context) => {
  const us = parseEastern(text);
  if (us !== null) return us;
  context.addIssue({ code: 'custom', message: 'no time' });
  return z.NEVER;
});

const content = z.object({
  access_token: z.string().min(1),
  access_issued_at: eastern,
  access_life_ms: z.number().positive(),
  refresh_token: z.string().min(1),
  refresh_issued_at: eastern,
});

/** The store in a folder. Throws a Failure on a secret key that cannot be used. `transport` is real time. */
export function createTokenStore(options: {
  readonly folder: string;
  readonly secretKey: string | null;
  readonly transport: Clock;
}): TokenStore {
  const { folder, transport } = options;
  const sealer = createSealer(options.secretKey);
  const path = join(folder, FILE_NAME);
  return {
    path,
    read: async () => {
      const sealed = await readPrivate(path);
      return sealed === null ? null : tokensOf(await sealer.open(sealed));
    },
    write: async (tokens) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await replaceFile({ folder, path, text: await sealer.seal(textOf(tokens)) });
    },
    locked: async (work) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return withFileLock({ path: join(folder, 'schwab_tokens.lock'), transport }, work);
    },
  };
}

/** Real time from one Eastern time to another, in ms: across the change of the clocks too. */
export function elapsedMs(from: EasternUs, to: EasternUs): number {
  return epochMsFromEastern(to) - epochMsFromEastern(from);
}

async function readPrivate(path: string): Promise<string | null> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & OPEN_TO_OTHERS) !== 0) throw openToOthers(path);
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    if (error instanceof Failure) throw error;
    throw new Failure(`the Schwab tokens at ${path} cannot be read`, { cause: error });
  }
}

function openToOthers(path: string): Failure {
  return new Failure(`other users of this machine may read ${path}`, {
    hint: `Run \`chmod 600 ${path}\`; log in again if somebody may have read it.`,
  });
}

async function replaceFile(file: { folder: string; path: string; text: string }): Promise<void> {
  const temporary = `${file.path}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(file.text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file.path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw new Failure(`the Schwab tokens cannot be stored at ${file.path}`, {
      cause: error,
      hint: 'Is there space on the disk, and is the folder writable?',
    });
  }
  await syncFolder(file.folder);
}

// Without it the rename itself may be lost with the power. Not every system opens a folder.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function textOf(tokens: SchwabTokens): string {
  return JSON.stringify({
    access_token: tokens.accessToken,
    access_issued_at: formatEastern(tokens.accessIssuedAt),
    access_life_ms: tokens.accessLifeMs,
    refresh_token: tokens.refreshToken,
    refresh_issued_at: formatEastern(tokens.refreshIssuedAt),
  });
}

function tokensOf(text: string): SchwabTokens {
  const parsed = content.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new Failure('the stored Schwab tokens are of another version of strikebase', {
      hint: 'Run `strikebase schwab login` again.',
    });
  }
  const { access_token, access_issued_at, access_life_ms, refresh_token, refresh_issued_at } = parsed.data;
  return {
    accessToken: access_token,
    accessIssuedAt: access_issued_at,
    accessLifeMs: access_life_ms,
    refreshToken: refresh_token,
    refreshIssuedAt: refresh_issued_at,
  };
}
