// The command line without a database: help, usage errors, exit codes.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { runCli } from './capture.ts';

const COMMANDS = [
  ...[
    'demo',
    'start',
    'import',
    'backtest',
    'replay',
    'parity',
    'pl',
    'trades',
    'decisions',
    'signals',
    'bars',
  ],
  ...['runs', 'strategies', 'status', 'sql', 'migrate', 'schema'],
  ...['ready', 'halt', 'resume', 'flatten', 'close', 'cancel', 'schwab', 'ingest', 'orders', 'grafana'],
];
const GROUPS = new Set(['runs', 'strategies', 'schwab', 'ingest', 'orders', 'grafana']);
// They go past the database: straight to the broker, or to files.
const WITHOUT_DATABASE = new Set(['flatten', 'close', 'cancel', 'schwab', 'grafana']);
const NESTED = [
  ['import', 'massive'],
  ['schwab', 'login'],
  ['schwab', 'status'],
  ['ingest', 'equities'],
  ['ingest', 'options'],
  ['orders', 'submit'],
  ['orders', 'reconcile'],
  ['grafana', 'check'],
  ['runs', 'list'],
  ['runs', 'drop'],
  ['strategies', 'list'],
  ['strategies', 'enable'],
  ['strategies', 'disable'],
  ['strategies', 'set'],
];

describe('help', () => {
  it('names every subcommand', async () => {
    const { code, stdout } = await runCli('--help');
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  const leaves = [...COMMANDS.filter((name) => !GROUPS.has(name)).map((name) => [name]), ...NESTED];
  it.each(leaves)('%s %s tells its options, --db among them, with an example', async (...words) => {
    const { code, stdout, stderr } = await runCli(...words, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(/--db <url>/.test(stdout)).toBe(!WITHOUT_DATABASE.has(words[0] ?? ''));
    expect(stdout).toMatch(/Examples?:\n {2}\$ strikebase /);
    expect(stdout).not.toMatch(/default: (?:null|false|\{\}|\[\]|undefined)/);
  });

  it('tells the version', async () => {
    expect(await runCli('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('a wrong command line exits with 2 and says what to do', () => {
  it.each([
    [['bactest'], /unknown command 'bactest'[\s\S]*backtest/],
    [['backtest', '--quots', 'modelled'], /unknown option '--quots'[\s\S]*--quotes/],
    [['backtest'], /--quotes is missing[\s\S]*--quotes modelled/],
    [['backtest', '--quotes', 'invented'], /recorded, modelled, simulated/],
    [['backtest', '--quotes', 'modelled', '--set', 'contracts'], /KEY=VALUE/],
    [['replay', '--quotes', 'modelled', '--speed', 'fast'], /above 0, or max/],
    [['pl', '--from', '2025-02-30'], /YYYY-MM-DD/],
    [['pl', '--format', 'xml'], /table, csv, json/],
    [['pl', '--run', 'first'], /whole number/],
    [['pl', '--db', 'user:secret@host'], /postgres:\/\//],
    [['import'], /missing required argument 'files'/],
    [['parity', '1'], /missing required argument 'run-b'/],
    [['runs', 'remove', '1'], /unknown command 'remove'[\s\S]*runs has list, drop/],
    [['parity', 'latest', 'newest'], /latest-1/],
  ])('%j', async (argv, text) => {
    const { code, stdout, stderr } = await runCli(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(text);
    expect(stderr).not.toMatch(/secret/);
  });

  it('without any word, the help is printed as an error', async () => {
    expect(await runCli()).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/Usage: strikebase/),
    });
  });
});

it('a word that a command itself finds wrong is told', async () => {
  const { code, stderr } = await runCli('strategies', 'set', 'vwap_ma9', 'contracts', '25');
  expect(code).toBe(2);
  expect(stderr).toMatch(/Write KEY=VALUE, not contracts\./);
});

it('a database that does not answer is a failure without a password in it', async () => {
  const { code, stderr } = await runCli('pl', '--db', 'postgres://user:secret@127.0.0.1:1/none');
  expect(code).toBe(1);
  expect(stderr).toMatch(/no database answers at 127\.0\.0\.1:1\/none/);
  expect(stderr).not.toMatch(/secret/);
});

const BUILT = projectPath('dist', 'cli', 'main.js');

const LOG_MODULES = projectPath('test', 'cli', 'log_modules.mjs');

it('answers --help without loading what only the commands need', ({ skip }) => {
  if (!existsSync(BUILT)) return skip('needs dist (npm run build)');
  const loadedBy = (...args: readonly string[]): string[] => {
    const command = ['--import', LOG_MODULES, projectPath('bin', 'strikebase.js'), ...args];
    const { stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    return stderr.split('\n').flatMap((line) => /^loads file:\/\/(.*)$/.exec(line)?.[1] ?? []);
  };
  const packages = (paths: readonly string[]): string[] => [
    ...new Set(paths.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])),
  ];
  const help = loadedBy('--help');
  expect(help.length).toBeGreaterThan(1);
  expect(packages(help)).toEqual(['commander']);
  // The log sees what a command loads.
  expect(packages(loadedBy('pl', '--db', 'postgres://127.0.0.1:1/none'))).toContain('pg');
});
