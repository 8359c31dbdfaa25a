// strikebase schwab: the login in front of the simulator, as a person or a pipe makes it, and what status says.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { schwabCommand } from '../../../../cli/schwab.ts';
import { acceleratedClock, systemClock } from '../../../../core/clock.ts';
import { Failure } from '../../../../core/failure.ts';
import type { SchwabConfig } from '../../../../jobs/brokers/schwab/settings.ts';
import { createTokenStore } from '../../../../jobs/brokers/schwab/tokens.ts';
import { type SchwabSimulator, startSchwabSimulator } from '../../../../sim/schwab/server.ts';
import type { SchwabSimulatorOptions } from '../../../../sim/schwab/settings.ts';
import { atEnd, configFor, movableClock, NOON } from './support.ts';

interface Desk {
  readonly simulator: SchwabSimulator;
  readonly config: SchwabConfig;
  run(
    command: 'login' | 'status',
    answer?: (url: string) => string | null | Promise<string | null>,
  ): Promise<Ran>;
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly error: Failure | null;
  readonly code: number;
}

async function desk(
  more: Partial<SchwabConfig> = {},
  simulated: SchwabSimulatorOptions = {},
  clock = acceleratedClock({ start: NOON, speed: 1 }),
): Promise<Desk> {
  const simulator = await startSchwabSimulator({ clock, ...simulated });
  atEnd(() => simulator.stop());
  const { appKey: schwabApiKey, appSecret: schwabApiSecret, callbackUrl: schwabCallbackUrl } = simulator;
  const app = { schwabApiKey, schwabApiSecret, schwabCallbackUrl };
  const config = await configFor(simulator.restUrl, { ...app, ...more });
  return { simulator, config, run: (command, answer) => run(config, clock, command, answer) };
}

/** Runs a subcommand in this process. `answer` is given the address that was printed, and types. */
async function run(
  config: SchwabConfig,
  clock: ReturnType<typeof acceleratedClock>,
  command: 'login' | 'status',
  answer: (url: string) => string | null | Promise<string | null> = () => null,
): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    const readLine = async (): Promise<string | null> => answer(stdout.trim());
    const error = await schwabCommand(() => ({ config, clock, readLine }))
      .parseAsync([command], { from: 'user' })
      .then(
        () => null,
        (thrown: unknown) => thrown as Failure,
      );
    return { stdout, stderr, error, code: Number(process.exitCode) };
  } finally {
    process.exitCode = before;
    out.mockRestore();
    err.mockRestore();
  }
}

/** What a browser does: opens the address, and ends at the callback. */
async function browse(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'manual' });
  return response.headers.get('location') ?? `no redirect: ${response.status}`;
}

describe('schwab login', () => {
  it('turns the address of the browser into stored tokens, and names the account', async () => {
    const { run: ran, config } = await desk();
    const { stdout, stderr, error } = await ran('login', browse);
    expect(error).toBeNull();
    expect(stdout).toContain('/v1/oauth/authorize?');
    expect(stdout).toContain('logged in until 2026-11-27 12:00:');
    expect(stderr).toContain('account ...678 may open positions');
    expect(stdout + stderr).not.toContain('12345678');
    expect(await readdir(config.strikebaseDir)).toEqual(['schwab_tokens.json']);
    const { mode } = await stat(join(config.strikebaseDir, 'schwab_tokens.json'));
    expect(mode & 0o777).toBe(0o600);
  });

  it('works again with a new address, and the old login dies', async () => {
    const { run: ran, simulator } = await desk();
    await ran('login', browse);
    expect((await ran('login', browse)).error).toBeNull();
    const status = await ran('status');
    expect(status.code).toBe(0);
    expect(simulator.requests().filter((each) => each.operation === 'POST token')).toHaveLength(2);
  });

  it.each([
    ['the end of the input', null, 'nothing was pasted'],
    ['an empty line', '', 'nothing was pasted'],
    ['a typing error', 'htps:/127.0.0.1', 'does not begin with'],
    ['the code alone', 'C0.abc%40', 'no address'],
    ['another address', 'https://example.com/?code=x', 'does not begin with https://127.0.0.1:8182'],
    ['a code that never was', 'https://127.0.0.1:8182/?code=C0.never%40&session=1', 'does not take the code'],
  ])('explains %s, and stores nothing', async (_, pasted, message) => {
    const { run: ran, config } = await desk();
    const { error, stdout } = await ran('login', () => pasted);
    expect(error).toBeInstanceOf(Failure);
    expect(error?.message).toContain(message);
    expect(error?.hint).toMatch(/\w+/);
    expect(stdout).not.toContain('logged in');
    expect(await readdir(config.strikebaseDir)).toEqual([]);
  });

  it('explains a code that was used, and one that is too old', async () => {
    const clock = movableClock();
    const { run: ran } = await desk({}, {}, clock);
    let redirect = '';
    await ran('login', async (url) => {
      redirect = await browse(url);
      return redirect;
    });
    expect((await ran('login', () => redirect)).error?.message).toContain('does not take the code');
    const late = await ran('login', async (url) => {
      const address = await browse(url);
      clock.move(31_000);
      return address;
    });
    expect(late.error?.hint).toContain('half a minute');
  });

  it('points at a wrong secret, and at a callback that is not the app’s', async () => {
    const secret = await desk({ schwabApiSecret: 'another1' });
    expect((await secret.run('login', browse)).error?.hint).toContain('SCHWAB_API_SECRET');
    const callback = await desk({ schwabCallbackUrl: 'https://127.0.0.1:9999' });
    const pasted = 'https://127.0.0.1:9999/?code=C0.x%40';
    expect((await callback.run('login', () => pasted)).error?.hint).toContain('SCHWAB_CALLBACK_URL');
  });

  it.each([
    [{ schwabApiKey: null }, 'SCHWAB_API_KEY'],
    [{ secretKey: null }, 'STRIKEBASE_SECRET_KEY'],
    [{ schwabCallbackUrl: 'https://127.0.0.1:8182/' }, 'SCHWAB_CALLBACK_URL'],
  ])('names what is not set before anybody goes to the browser: %j', async (more, setting) => {
    const { run: ran } = await desk(more);
    const { error, stdout } = await ran('login');
    expect(error?.message).toContain(setting);
    expect(stdout).toBe('');
  });

  it('stands although the account is not clear, and says what to set', async () => {
    const accounts = [
      { accountNumber: '11112222', cash_e4: 1e9 },
      { accountNumber: '33334444', cash_e4: 1e9 },
    ];
    const { run: ran } = await desk({}, { accounts });
    const { error, stdout, stderr } = await ran('login', browse);
    expect(error).toBeNull();
    expect(stdout).toContain('logged in until');
    expect(stderr).toContain('...222, ...444');
  });
});

describe('schwab status', () => {
  it('says that there is no login, and exits with 1', async () => {
    const { run: ran } = await desk();
    const { stdout, code, error } = await ran('status');
    expect(error).toBeNull();
    expect(stdout).toMatch(/broker token +NOT OK: there is no Schwab login yet/);
    expect(code).toBe(1);
  });

  it('says how long the login lives, and shows no secret', async () => {
    const { run: ran, simulator, config } = await desk();
    await ran('login', browse);
    const { stdout, stderr, code } = await ran('status');
    expect(stdout).toMatch(/login +6 d 23 h left, until 2026-11-27 12:00:\d\d Eastern/);
    expect(stdout).toMatch(/broker token +ok/);
    expect(stdout).toMatch(/broker account +ok: account \.\.\.678 may open positions/);
    expect(code).toBe(0);
    const { strikebaseDir: folder, secretKey } = config;
    const stored = await createTokenStore({ folder, secretKey, transport: systemClock() }).read();
    const { accessToken = '', refreshToken = '' } = stored ?? {};
    expect(accessToken.length).toBeGreaterThan(10);
    const secrets = [accessToken, refreshToken, simulator.appSecret, simulator.accountHash(), '12345678'];
    for (const secret of secrets) {
      expect(stdout + stderr).not.toContain(secret);
    }
  });

  it('says that a new login is wanted', async () => {
    const clock = movableClock();
    const { run: ran } = await desk({}, {}, clock);
    await ran('login', browse);
    clock.move(6.5 * 86_400_000);
    const late = await ran('status');
    expect(late.stdout).toMatch(/broker token +NOT OK: the login lives 12 h 0 min/);
    clock.move(86_400_000);
    const dead = await ran('status');
    expect(dead.stdout).toMatch(/broker token +NOT OK: Schwab refuses the refresh token/);
    expect([late.code, dead.code]).toEqual([1, 1]);
  });

  it('explains a secret key that is another one', async () => {
    const { run: ran, config } = await desk();
    await ran('login', browse);
    const other = { ...config, secretKey: 'another key that is long enough' };
    const { stdout, stderr, code } = await run(other, acceleratedClock({ start: NOON, speed: 1 }), 'status');
    expect(stdout + stderr).toContain('another STRIKEBASE_SECRET_KEY');
    expect(code).toBe(1);
  });
});
