// `strikebase orders` as users and the supervisor start it: what it refuses, how it begins and how it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { projectPath } from '../../../core/root.ts';
import { type SchwabSimulator, startSchwabSimulator } from '../../../sim/schwab/server.ts';
import { eventually, useDatabase } from '../../harness.ts';
import { SECRET_KEY, storeLogin, tokensAt } from '../../jobs/brokers/schwab/support.ts';

const database = useDatabase();
const cleanups: (() => unknown)[] = [];

beforeEach(({ skip }) => {
  skip(!existsSync(projectPath('dist', 'cli', 'orders.js')), 'needs the compiled program: npm run build');
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  err(): string;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-orders-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

function orders(args: readonly string[], env: Readonly<Record<string, string>>): Command {
  const child = spawn(process.execPath, [projectPath('bin', 'strikebase.js'), 'orders', ...args], {
    cwd: temporaryFolder(),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      DATABASE_URL: database.url(),
      ...env,
    },
  });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  cleanups.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  return { child, ended, err: () => err };
}

const REAL = {
  BROKER: 'schwab',
  SCHWAB_API_KEY: 'simulatedappkeysimulatedappkey32',
  SCHWAB_API_SECRET: 'simulatedsecret1',
  STRIKEBASE_SECRET_KEY: SECRET_KEY,
} as const;

/** A simulated Schwab with a login, and the environment that leads to it. */
async function simulated(): Promise<{ simulator: SchwabSimulator; env: Record<string, string> }> {
  const simulator = await startSchwabSimulator({ hours: 'always' });
  cleanups.push(() => simulator.stop());
  const folder = temporaryFolder();
  const { appKey, appSecret, callbackUrl, restUrl } = simulator;
  const { access_token: accessToken, refresh_token: refreshToken } = simulator.oauth.login();
  const config = {
    ...{ schwabBaseUrl: restUrl, schwabApiKey: appKey, schwabApiSecret: appSecret, schwabAccount: null },
    ...{ schwabCallbackUrl: callbackUrl, secretKey: SECRET_KEY, strikebaseDir: folder },
  };
  await storeLogin(config, tokensAt(systemClock().now(), { accessToken, refreshToken }));
  const env = {
    ...REAL,
    ...{ SCHWAB_API_KEY: appKey, SCHWAB_API_SECRET: appSecret, SCHWAB_CALLBACK_URL: callbackUrl },
    ...{ SCHWAB_BASE_URL: restUrl, STRIKEBASE_DIR: folder },
  };
  return { simulator, env };
}

describe('strikebase orders', () => {
  it.each([
    ['on paper', {}, 2, /BROKER=paper/],
    ['with a real broker, but without the second switch', REAL, 2, /LIVE_TRADING is not yes/],
    [
      'without an account, while no run trades',
      { ...REAL, SCHWAB_BASE_URL: 'http://127.0.0.1:9' },
      2,
      /which account: no live run at a broker is open/,
    ],
  ])('refuses to start %s', async (_, env, code, text) => {
    for (const job of ['submit', 'reconcile']) {
      const command = orders([job], env);
      expect(await command.ended, command.err()).toBe(code);
      expect(command.err()).toMatch(text);
    }
  });

  it('runs until it is told to end, one of each for an account', { timeout: 120_000 }, async () => {
    const { env } = await simulated();
    const account = ['--account', 'main'];
    const running = [orders(['submit', ...account], env), orders(['reconcile', ...account], env)];
    await eventually(
      async () => {
        const { rows } = await database.pool().query(
          `select f.epoch from trade.fences f join trade.reconciliations r using (account)
           where f.account = 'main' and r.is_ok`,
        );
        expect(rows.length, running.map(({ err }) => err()).join()).toBeGreaterThan(0);
      },
      { timeoutMs: 30_000 },
    );
    for (const job of ['submit', 'reconcile']) {
      const second = orders([job, ...account], env);
      expect(await second.ended, second.err()).toBe(1);
      expect(second.err()).toMatch(/by another process: strikebase (orders|reconcile) main process \d+/);
    }
    for (const { child, ended, err } of running) {
      child.kill('SIGTERM');
      expect(await ended, err()).toBe(0);
      for (const secret of [env.SCHWAB_API_SECRET, SECRET_KEY]) expect(err()).not.toContain(secret);
    }
  });
});
