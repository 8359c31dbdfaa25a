// The stored login: encrypted, whole or not at all, and changed by one process at a time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { type EasternUs, parseEastern } from '../../../../core/eastern_time.ts';
import { Failure } from '../../../../core/failure.ts';
import { withFileLock } from '../../../../jobs/brokers/schwab/file_lock.ts';
import { loginLeftMs } from '../../../../jobs/brokers/schwab/login_watch.ts';
import { createTokenStore, elapsedMs, type TokenStore } from '../../../../jobs/brokers/schwab/tokens.ts';
import { NOON, SECRET_KEY, temporaryFolder, tokensAt } from './support.ts';

const transport = systemClock();

async function store(
  folder: string | null = null,
  secretKey: string | null = SECRET_KEY,
): Promise<TokenStore & { readonly folder: string }> {
  const place = folder ?? (await temporaryFolder());
  return { ...createTokenStore({ folder: place, secretKey, transport }), folder: place };
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

describe('the token file', () => {
  it('gives back what was written, to another process with the same key too', async () => {
    const first = await store();
    expect(await first.read()).toBeNull();
    await first.write(tokensAt(NOON));
    expect(await first.read()).toEqual(tokensAt(NOON));
    const second = await store(first.folder);
    expect(await second.read()).toEqual(tokensAt(NOON));
    const newer = tokensAt(NOON, { accessToken: 'newer' });
    await second.write(newer);
    expect(await first.read()).toEqual(newer);
  });

  it('holds no token in clear, is for its owner alone, and leaves no other file behind', async () => {
    const own = await store();
    await own.write(tokensAt(NOON));
    await own.write(tokensAt(NOON, { accessToken: 'again' }));
    const text = await readFile(own.path, 'utf8');
    expect(text).not.toContain('of-the-store');
    expect(Buffer.from(text, 'base64').toString()).not.toContain('of-the-store');
    expect((await stat(own.path)).mode & 0o777).toBe(0o600);
    expect(await readdir(own.folder)).toEqual(['schwab_tokens.json']);
  });

  it('is sealed differently each time', async () => {
    const own = await store();
    await own.write(tokensAt(NOON));
    const before = await readFile(own.path, 'utf8');
    await own.write(tokensAt(NOON));
    expect(await readFile(own.path, 'utf8')).not.toBe(before);
  });

  it('says that the key is another one', async () => {
    const own = await store();
    await own.write(tokensAt(NOON));
    const other = await store(own.folder, 'another key that is long enough');
    const failure = await failureOf(other.read());
    expect(failure.message).toContain('sealed with another STRIKEBASE_SECRET_KEY');
    expect(failure.hint).toContain('schwab login');
  });

  it.each(['salt', 'iv', 'tag', 'data', 'key_check'])('notices a changed %s', async (field) => {
    const own = await store();
    await own.write(tokensAt(NOON));
    const sealed = JSON.parse(await readFile(own.path, 'utf8')) as Record<string, string>;
    const bytes = Buffer.from(sealed[field] ?? '', 'base64');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(own.path, JSON.stringify({ ...sealed, [field]: bytes.toString('base64') }));
    const failure = await failureOf(own.read());
    expect(failure.message).toMatch(/damaged|another STRIKEBASE_SECRET_KEY/);
  });

  it.each([
    ['an empty file', ''],
    ['half a file', '{"version":1,"salt":"AA'],
    ['another JSON', '{"access_token":"x"}'],
    ['a list', '[]'],
  ])('names %s damaged, and what to do', async (_, text) => {
    const own = await store();
    await own.write(tokensAt(NOON));
    await writeFile(own.path, text);
    const failure = await failureOf(own.read());
    expect(failure.message).toContain('damaged');
    expect(failure.hint).toContain('strikebase schwab login');
  });

  it('is not read when others may read it', async () => {
    const own = await store();
    await own.write(tokensAt(NOON));
    await chmod(own.path, 0o640);
    expect((await failureOf(own.read())).hint).toContain('chmod 600');
  });

  it.each([null, '', 'too short'])('is not made with the key %j', async (key) => {
    await expect(store(null, key)).rejects.toThrow('STRIKEBASE_SECRET_KEY');
  });

  it('explains a folder that cannot be written', async () => {
    const own = await store();
    await writeFile(join(own.folder, 'file'), '');
    const inside = createTokenStore({
      folder: join(own.folder, 'file', 'below'),
      secretKey: SECRET_KEY,
      transport,
    });
    await expect(inside.write(tokensAt(NOON))).rejects.toThrow();
  });
});

describe('the lock', () => {
  it('lets one work at a time', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'lock');
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await transport.sleep(5);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => withFileLock({ path, transport }, work)));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is let go when the work fails', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const failing = withFileLock({ path, transport }, () => Promise.reject(new Error('work failed')));
    await expect(failing).rejects.toThrow('work failed');
    expect(await withFileLock({ path, transport }, () => Promise.resolve('done'))).toBe('done');
  });

  it('is taken over from a process that has died, by one of many', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await writeFile(path, `${hostname()} ${dead.pid} left behind\n`);
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await transport.sleep(20);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 6 }, () => withFileLock({ path, transport }, work)));
    expect(most).toBe(1);
  });

  it('is taken over from one that died with the number that we have now, as in a container', async () => {
    const path = join(await temporaryFolder(), 'lock');
    await writeFile(path, `${hostname()} ${process.pid} of another life\n`);
    const waiting = withFileLock({ path, transport, staleAfterMs: 3_600_000 }, () => Promise.resolve('done'));
    expect(await waiting).toBe('done');
  });

  it('is taken over from a holder that cannot be looked for once it has stood still', async () => {
    const path = join(await temporaryFolder(), 'lock');
    await writeFile(path, 'another-machine 1 x\n');
    const began = performance.now();
    await withFileLock({ path, transport, staleAfterMs: 200 }, () => Promise.resolve());
    expect(performance.now() - began).toBeGreaterThan(190);
  });

  it('names the holder when it stays taken', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'lock');
    const release = new AbortController();
    const held = withFileLock({ path, transport }, () => transport.sleep(60_000, release.signal));
    const content = await readFile(path, 'utf8').catch(() => '');
    // Another holder every time it looks: it never stands still, and never comes free.
    const renew = setInterval(() => void writeFile(path, `another-machine 1 ${Math.random()}\n`), 20);
    const waiting = withFileLock({ path, transport, staleAfterMs: 200 }, () => Promise.resolve());
    await expect(waiting).rejects.toThrow('other processes hold');
    clearInterval(renew);
    release.abort();
    await held;
    expect(content).not.toContain('another-machine');
  });
});

describe('the seven days', () => {
  const at = (text: string): EasternUs => parseEastern(text) as EasternUs;

  it('are counted in real time across the change of the clocks', () => {
    // 2026-11-01 has 25 hours.
    const login = at('2026-10-28 12:00:00');
    expect(elapsedMs(login, at('2026-11-01 12:00:00'))).toBe(97 * 3_600_000);
    expect(loginLeftMs(login, at('2026-11-04 10:00:00'))).toBe(3_600_000);
    expect(loginLeftMs(login, at('2026-11-04 11:00:00'))).toBe(0);
    expect(loginLeftMs(login, at('2026-11-05 11:00:00'))).toBe(0);
  });

  it('are not more than seven when the clock was set back', () => {
    expect(loginLeftMs(at('2026-11-20 12:00:00'), at('2026-11-20 11:00:00'))).toBe(7 * 86_400_000);
  });
});
