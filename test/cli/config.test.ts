// Configuration: what is refused and how, what is secret, and the example that lists every variable.
import { expect, it } from 'vitest';
import { refuseMissingSettings } from '../../cli/live_settings.ts';
import { envExample, parseConfig, runSettings } from '../../core/config.ts';
import type { Failure } from '../../core/failure.ts';
import { createLog } from '../../core/log.ts';
import { projectPath } from '../../core/root.ts';

it('has an example with every variable (else: npx vitest run test/cli/config.test.ts -u)', async () => {
  await expect(envExample()).toMatchFileSnapshot(projectPath('.env.example'));
});

it('needs nothing: an empty environment is the embedded database and the paper broker', () => {
  expect(parseConfig({})).toMatchObject({
    databaseUrl: null,
    strikebaseDir: '.strikebase',
    strikebasePort: 54329,
    broker: 'paper',
    isLiveTrading: false,
    tradingCapital: null,
    secrets: [],
  });
});

it('counts an empty value as not set', () => {
  expect(parseConfig({ DATABASE_URL: '', TRADING_CAPITAL: ' ' })).toEqual(parseConfig({}));
});

it('takes the vendor’s key under both of its names', () => {
  expect(parseConfig({ MASSIVE_API_KEY: 'new' }).massiveApiKey).toBe('new');
  expect(parseConfig({ MASSIVE_API_KEY: 'new', POLYGON_API_KEY: 'old' }).massiveApiKey).toBe('old');
});

it.each([
  ['STRIKEBASE_PORT', 'x', /"x" for STRIKEBASE_PORT .* port number/],
  ['STRIKEBASE_PORT', '80', /1024 to 65535/],
  ['BROKER', 'robinhood', /"robinhood" for BROKER .* paper or schwab/],
  ['LIVE_TRADING', 'true', /yes or no/],
  ['TRADING_CAPITAL', '-1', /above 0/],
  ['CONTRACTS_PER_TRADE', '2.5', /whole number/],
])('refuses %s=%s and says what it may be', (name, value, text) => {
  expect(() => parseConfig({ [name]: value })).toThrow(text);
});

it('never repeats the value of a secret that it refuses', () => {
  const parse = (): unknown => parseConfig({ DATABASE_URL: 'mysql://user:hunter2@host/db' });
  expect(parse).toThrow(/DATABASE_URL .* postgres:\/\//);
  expect(parse).not.toThrow(/hunter2/);
});

it('gives runs the capital and the contracts that are set, and nothing else', () => {
  expect(runSettings(parseConfig({}))).toEqual({});
  expect(runSettings(parseConfig({ TRADING_CAPITAL: '1000000', CONTRACTS_PER_TRADE: '5' }))).toEqual({
    trading_capital: 1_000_000,
    contracts: 5,
  });
});

it('tells everything that a broker needs and has not at once, and refuses as wrong settings do', () => {
  const hintOf = (environment: Record<string, string>): unknown => {
    try {
      return refuseMissingSettings(parseConfig(environment), { feed: 'massive' }) ?? null;
    } catch (error) {
      const { exitCode, hint } = error as Failure;
      return [exitCode, ...(hint ?? '').matchAll(/^ {2}([A-Z_]+) /gm)].map(
        (each) => (each as string[])[1] ?? each,
      );
    }
  };
  const schwab = {
    BROKER: 'schwab',
    SCHWAB_API_KEY: 'a',
    SCHWAB_API_SECRET: 'b',
    STRIKEBASE_SECRET_KEY: 'c',
  };
  expect(hintOf({})).toBeNull();
  expect(hintOf({ BROKER: 'schwab' })).toEqual([
    2,
    ...['POLYGON_API_KEY', 'LIVE_TRADING', 'SCHWAB_API_KEY', 'SCHWAB_API_SECRET', 'STRIKEBASE_SECRET_KEY'],
  ]);
  expect(hintOf(schwab)).toEqual([2, 'POLYGON_API_KEY', 'LIVE_TRADING']);
  expect(hintOf({ ...schwab, POLYGON_API_KEY: 'd', LIVE_TRADING: 'yes' })).toBeNull();
  // A simulator on this machine is nobody's money.
  expect(hintOf({ ...schwab, POLYGON_API_KEY: 'd', SCHWAB_BASE_URL: 'http://127.0.0.1:1' })).toBeNull();
});

it('keeps every secret out of the log, however it is written there', () => {
  const config = parseConfig({
    DATABASE_URL: 'postgres://user:p%22ss@host/db',
    POLYGON_API_KEY: 'key-one',
    SCHWAB_API_SECRET: 'key-one-and-more',
  });
  const lines: string[] = [];
  const log = createLog(config, { name: 'test', destination: { write: (line) => lines.push(line) } });
  log.info(
    { url: 'postgres://user:p%22ss@host/db', password: 'p"ss', a: ['key-one-and-more'] },
    'sent key-one',
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toMatch(/key-one|and-more|p%22ss|p\\"ss/);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    name: 'test',
    url: 'postgres://user:[redacted]@host/db',
  });
});
