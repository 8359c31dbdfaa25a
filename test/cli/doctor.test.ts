// doctor: each thing that can be broken is broken for real, and named with a word what to do.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  checkBinaries,
  checkDisk,
  checkEnvFile,
  checkNode,
  checkPort,
  type Finding,
  judgeSpace,
} from '../../cli/doctor_machine.ts';
import {
  checkBroker,
  checkEasternTime,
  checkMassive,
  checkMessages,
  skewFinding,
} from '../../cli/doctor_services.ts';
import { type Config, parseConfig } from '../../core/config.ts';
import { startMassiveSimulator } from '../../sim/massive_server.ts';
import { shortSession } from '../sim/sessions.ts';
import { runCli } from './capture.ts';

const KEY = 'canary-key-5511';
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function states(findings: readonly Finding[]): string[] {
  return findings.map(({ state, name }) => `${state} ${name}`);
}

function config(env: Readonly<Record<string, string>> = {}): Config {
  return parseConfig({ STRIKEBASE_DIR: folder, ...env });
}

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

describe('this machine', () => {
  it.each([
    ['v18.20.4', 'FAIL'],
    ['v20.10.0', 'FAIL'],
    ['v20.11.0', 'ok'],
    ['v22.1.0', 'ok'],
  ])('Node %s is %s', (version, state) => {
    expect(checkNode(version)).toMatchObject({
      state,
      ...(state === 'ok' ? {} : { hint: expect.stringMatching(/nodejs\.org/) }),
    });
  });

  it('names the variables of .env that nobody reads', async () => {
    const path = join(folder, '.env');
    writeFileSync(path, 'POLYGON_APIKEY=x\nBROKER=paper\nMASSIVE_API_KEY=\nGRAFANA_PORT=3000\n', {
      mode: 0o600,
    });
    const findings = await checkEnvFile(path, { isLive: false });
    expect(states(findings)).toEqual(['warn .env', 'ok secrets']);
    expect(findings[0]).toMatchObject({
      detail: 'unknown: POLYGON_APIKEY',
      hint: expect.stringMatching(/\.env\.example/),
    });
    expect(states(await checkEnvFile(join(folder, 'none'), { isLive: false }))).toEqual(['ok .env']);
  });

  it('says that others may read the secrets, and insists where money is at stake', async () => {
    const path = join(folder, '.env');
    writeFileSync(path, 'BROKER=schwab\n');
    chmodSync(path, 0o644);
    for (const [isLive, state] of [
      [false, 'warn'],
      [true, 'FAIL'],
    ] as const) {
      const [, secrets] = await checkEnvFile(path, { isLive });
      expect(secrets).toMatchObject({ state, hint: `Run \`chmod 600 ${path}\`.` });
    }
  });

  it('judges the disk by what is free, of a folder that may not be there yet', async () => {
    expect(judgeSpace(0.5 * 2 ** 30, '/data')).toMatchObject({
      state: 'FAIL',
      detail: '0.5 GiB free at /data',
    });
    expect(judgeSpace(5 * 2 ** 30, '/data')).toMatchObject({ state: 'warn' });
    expect(judgeSpace(50 * 2 ** 30, '/data')).toMatchObject({ state: 'ok' });
    expect((await checkDisk(join(folder, 'not', 'yet'))).detail).toContain(`free at ${folder}`);
  });

  it('sees that a port is taken', async () => {
    const port = await listening(createTcpServer());
    expect(await checkPort(config({ STRIKEBASE_PORT: String(port) }))).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining(`${port} is used by another program`),
      hint: expect.stringMatching(/STRIKEBASE_PORT/),
    });
  });

  it('runs the programs of the built-in database', async () => {
    expect(await checkBinaries()).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/PostgreSQL 1\d/),
    });
  });

  it('knows Eastern time', () => {
    expect(checkEasternTime().state).toBe('ok');
  });

  it.each([
    [80, 'ok'],
    [700, 'warn'],
    [31_000, 'FAIL'],
  ] as const)('clocks that are %d ms apart are %s', (ms, state) => {
    expect(skewFinding('clock', ms, 'the database').state).toBe(state);
  });
});

describe('the key of Massive', () => {
  const check = (env: Readonly<Record<string, string>>): Promise<Finding[]> =>
    checkMassive(config(env), new AbortController().signal);

  it('is missing', async () => {
    const [finding] = await check({});
    expect(finding).toMatchObject({
      state: 'warn',
      detail: expect.stringMatching(/POLYGON_API_KEY .* not set/),
    });
  });

  it('is accepted or refused by the vendor itself', async () => {
    const simulator = await startMassiveSimulator({
      ...shortSession(),
      seed: 1,
      speed: 'max',
      apiKey: KEY,
      strikesEachSide: 1,
      onRecord: 'whole',
    });
    onTestFinished(() => simulator.stop());
    const at = { MASSIVE_REST_URL: simulator.restUrl, MASSIVE_WS_URL: simulator.wsUrl };
    expect((await check({ ...at, POLYGON_API_KEY: KEY }))[0]).toMatchObject({ state: 'ok' });
    const [refused] = await check({ ...at, POLYGON_API_KEY: 'another-key' });
    expect(refused).toMatchObject({
      state: 'FAIL',
      detail: expect.stringMatching(/does not accept the key/),
      hint: expect.stringMatching(/\.env/),
    });
  });

  it.each([
    [
      'cannot be reached',
      { MASSIVE_REST_URL: 'http://127.0.0.1:1' },
      /cannot be reached at http:\/\/127\.0\.0\.1:1/,
    ],
    ['would travel in clear', { MASSIVE_REST_URL: 'http://example.com' }, /must begin with https/],
    ['holds blanks', { POLYGON_API_KEY: `${KEY} and more` }, /holds blanks/],
  ])('%s', async (_, env, text) => {
    const [finding] = await check({ POLYGON_API_KEY: KEY, ...env });
    expect(finding).toMatchObject({
      state: 'FAIL',
      detail: expect.stringMatching(text),
      hint: expect.any(String),
    });
    expect(JSON.stringify(finding)).not.toContain(KEY);
  });

  it('comes with the vendor’s time, which shows a clock that is wrong', async () => {
    const answer: RequestListener = (_, response) => {
      response.setHeader('date', new Date(Date.now() - 120_000).toUTCString());
      response.end('{}');
    };
    const url = `http://127.0.0.1:${await listening(createServer(answer))}`;
    const findings = await check({ POLYGON_API_KEY: KEY, MASSIVE_REST_URL: url });
    expect(states(findings)).toEqual(['ok massive key', 'FAIL vendor clock']);
    expect(findings[1]?.hint).toMatch(/set-ntp/);
  });
});

describe('the broker and the channels', () => {
  const SCHWAB = { BROKER: 'schwab', SCHWAB_BASE_URL: 'http://127.0.0.1:1' };
  const KEYS = {
    SCHWAB_API_KEY: 'app',
    SCHWAB_API_SECRET: 'secret',
    STRIKEBASE_SECRET_KEY: 'long enough to be a key',
  };

  it.each([
    ['paper is well', {}, 'ok broker', /no money/],
    ['LIVE_TRADING without a broker', { LIVE_TRADING: 'yes' }, 'warn broker', /no effect/],
    ['a broker without LIVE_TRADING', { BROKER: 'schwab' }, 'FAIL broker', /LIVE_TRADING is not yes/],
    ['keys that are missing', SCHWAB, 'FAIL broker', /SCHWAB_API_KEY/],
    ['a login that is missing', { ...SCHWAB, ...KEYS }, 'FAIL broker token', /login/],
  ])('%s', async (_, env, state, text) => {
    const [finding, ...more] = await checkBroker(config(env));
    expect(states([finding as Finding])).toEqual([state]);
    expect(`${finding?.detail} ${finding?.hint}`).toMatch(text);
    expect(JSON.stringify([finding, ...more])).not.toMatch(/"secret"|long enough/);
  });

  it('a file of tokens that others may read', async () => {
    const path = join(folder, 'schwab_tokens.json');
    writeFileSync(path, '{}');
    chmodSync(path, 0o644);
    expect(JSON.stringify(await checkBroker(config({ ...SCHWAB, ...KEYS })))).toMatch(
      /other users of this machine may read/,
    );
  });

  it('half a channel', () => {
    expect(checkMessages(config()).state).toBe('ok');
    expect(checkMessages(config({ TELEGRAM_CHAT_ID: '1' }))).toMatchObject({
      state: 'FAIL',
      detail: 'TELEGRAM_BOT_TOKEN is not set',
    });
    expect(checkMessages(config({ ALERT_WEBHOOK_URL: 'https://example.com/x' })).detail).toMatch(/webhook/);
  });
});

describe('the command', () => {
  const argv = ['doctor', '--db', 'postgres://user:hunter2@127.0.0.1:1/none'];

  it('exits 1 with a line of words for what is broken', async () => {
    const { code, stdout, stderr } = await runCli(...argv);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^FAIL {2}database {7}no database answers at 127\.0\.0\.1:1\/none/m);
    expect(stdout).toMatch(/→ Start it, correct DATABASE_URL/);
    expect(stdout).toMatch(/\n1 broken, \d+ to look at/);
    expect(stdout).not.toMatch(/hunter2/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('prints JSON for programs', async () => {
    const { code, stdout } = await runCli(...argv, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ name: 'database', state: 'FAIL' }));
  });
});
