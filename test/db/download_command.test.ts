// `strikebase import massive` as a user meets it: what it says before, during and after, and how it refuses.
import { Command } from 'commander';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { explainError } from '../../cli/errors.ts';
import { importMassiveCommand } from '../../cli/import_massive.ts';
import { useDatabase } from '../harness.ts';
import { fullDay, type HistoryMarket, marketBars } from '../ingest/massive_history/market.ts';
import { API_KEY, startVendor, type Vendor } from '../ingest/massive_history/vendor.ts';

const MARKET: HistoryMarket = {
  underlying: 'QQQ',
  sessions: [fullDay('2025-11-26', 5), { ...fullDay('2025-11-28', 5), close: '13:00' }],
  today: '2026-01-05',
  quotes: 12,
  trades: 6,
  price: 600,
  reach: 4,
};
const DAYS = ['--symbol', 'qqq', '--from', '2025-11-26', '--to', '2025-11-30'];

const db = useDatabase();
let vendor: Vendor;
let series = 0;

// The configuration is read once in a process.
beforeAll(async () => {
  vendor = await startVendor(MARKET);
  vi.stubEnv('MASSIVE_REST_URL', vendor.url);
  vi.stubEnv('POLYGON_API_KEY', API_KEY);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await vendor.stop();
});
beforeEach(() => {
  vendor.requests.length = 0;
  series += 1;
});

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command below `import`, as the program does. */
async function run(...argv: readonly string[]): Promise<Said> {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const parent = new Command('import')
    .option('--db <url>')
    .option('--symbol <symbol>')
    .enablePositionalOptions();
  const command = importMassiveCommand();
  parent.addCommand(command);
  for (const each of [parent, command]) each.exitOverride();
  try {
    await parent.parseAsync(['massive', ...argv, '--db', db.url()], { from: 'user' });
    return { code: 0, stdout, stderr };
  } catch (thrown) {
    if ((thrown as { code?: string }).code?.startsWith('commander.')) return { code: 2, stdout, stderr };
    const { lines, exitCode } = explainError(thrown);
    return { code: exitCode, stdout, stderr: `${stderr}${lines.join('\n')}\n` };
  } finally {
    out.mockRestore();
    error.mockRestore();
    expect(stdout + stderr).not.toContain(API_KEY);
  }
}

function feed(): string[] {
  return ['--feed', `c${series}`];
}

describe('a download', () => {
  it('names sessions, half days and holidays, estimates, and ends with a table', async () => {
    const { code, stdout, stderr } = await run(...DAYS, ...feed());
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'QQQ: 2 sessions from 2025-11-26 to 2025-11-28; half days 2025-11-28; closed on 2025-11-27\n' +
        'to download: about 1 request, 1,800 rows, 1 MB of disk, 1 s (by stated averages: a quiet day or symbol has far less)\n',
    });
    const count = marketBars(MARKET, 'QQQ', 60_000).length;
    expect(stdout).toMatch(/^kind +pages +in +duplicate +rejected +feed$/m);
    expect(stdout).toMatch(new RegExp(`^minute bars +1 +${count} +0 +0 +c${series}-minute$`, 'm'));
    expect(stdout).toMatch(/^1 request in \d+ s$/m);
  });

  it('of what is there says so, prints no table and asks nobody', async () => {
    const argv = [...DAYS, ...feed(), '--options', '--strikes', '1', '--yes'];
    expect((await run(...argv)).code).toBe(0);
    vendor.requests.length = 0;
    const { code, stdout, stderr } = await run(...argv);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^all of it was downloaded before: nothing to do$/m);
    expect(vendor.requests).toEqual([]);
  });

  it('of options has a line for each kind, and estimates by what it has seen', async () => {
    const options = ['--options', '--strikes', '1', '--yes', ...feed()];
    const one = ['--symbol', 'QQQ', '--from', '2025-11-26', '--to', '2025-11-26'];
    const first = await run(...one, ...options);
    expect(first.stdout).toMatch(/^contracts +1 +\d+ +\d+ +2 +c\d+-options$/m);
    expect(first.stdout).toMatch(/^trades +6 +36 +0 +0 +c\d+-options$/m);
    expect(first.stdout).toMatch(/^quotes +6 +72 +0 +0 +c\d+-options$/m);
    const second = await run(...DAYS, ...options);
    expect(second.stderr).toMatch(
      /^to download: about 14 requests, 508 rows, .* \(by 1 session downloaded before\)$/m,
    );
  });

  it('with one kind named leaves the other out', async () => {
    const { stdout } = await run(...DAYS, ...feed(), '--options', '--trades', '--strikes', '1', '--yes');
    expect(stdout).toMatch(/^trades /m);
    expect(stdout).not.toMatch(/^quotes /m);
  });

  it('that is large does not begin where nobody can be asked', async () => {
    const { code, stdout, stderr } = await run(...DAYS, ...feed(), '--options');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^to download: about \d+ requests, 1\d,\d{3},\d{3} rows, \d\.\d GB of disk, \d+ min/m,
    );
    expect(stderr).toMatch(/--yes/);
    expect(vendor.requests).toEqual([]);
  });

  it('that is slow by its pace is large too', async () => {
    const options = ['--options', '--trades', '--rate', '5', '--strikes', '12'];
    const { code, stderr } = await run(...DAYS, ...feed(), ...options);
    expect(code).toBe(2);
    expect(stderr).toMatch(/about 83 requests, .* 17 min/);
  });

  it('that fails prints what it has stored before', async () => {
    vendor.fault(/\/v3\/trades/, { status: 403, body: '{"status":"NOT_AUTHORIZED","message":"Upgrade."}' });
    const { code, stdout, stderr } = await run(...DAYS, ...feed(), '--options', '--strikes', '1', '--yes');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: the plan does not include trades of O:QQQ\S+ \(403\): Upgrade\.$/m);
    expect(stderr).toMatch(/Options Developer or above/);
    expect(stdout).toMatch(/^minute bars /m);
  });

  it('tells once that it waits', async () => {
    vendor.fault(/\/v2\/aggs/, { status: 429, headers: { 'retry-after': '1' } });
    const { code, stderr } = await run(...DAYS, ...feed());
    expect(code).toBe(0);
    expect(stderr.match(/^too many requests \(429\); again in 1 s$/gm)).toHaveLength(1);
  });
});

describe('a command line that cannot be meant', () => {
  it.each([
    [['--from', '2025-11-31', '--to', '2025-12-01'], /--from <date>.*2025-11-31.*Write a date as YYYY-MM-DD/],
    [['--from', '2025-11-26', '--to', '2025-11-28 10:00'], /Write a date as YYYY-MM-DD/],
    [['--from', '2025-11-28', '--to', '2025-11-26'], /--from 2025-11-28 is after --to 2025-11-26/],
    [
      ['--from', '2025-11-29', '--to', '2025-11-30'],
      /closed from 2025-11-29 to 2025-11-30[\s\S]*next session is 2025-12-01/,
    ],
    [
      ['--from', '2025-11-27', '--to', '2025-11-27'],
      /closed from 2025-11-27[\s\S]*next session is 2025-11-28/,
    ],
    [['--from', '2035-12-03', '--to', '2035-12-04'], /the session of 2035-12-03 is not over[\s\S]*20:30/],
    [['--from', '2036-12-03', '--to', '2036-12-04'], /Sessions are known from 2015 to 2035/],
    [['--from', '2025-11-26'], /required option '--to <date>'/],
    [[...DAYS, '--quotes'], /those of option contracts[\s\S]*Add --options/],
    [[...DAYS, '--span', 'hour'], /minute, second/],
    [[...DAYS, '--symbol', 'Q Q'], /Write a ticker such as QQQ/],
    [[...DAYS, '--strikes', '0'], /whole number above 0/],
    [[...DAYS, '--rate', 'fast'], /whole number above 0/],
    [[...DAYS, '--feed', 'My feed'], /small letters, digits and -/],
    [['--from', '2025-11-26', '--to', '2025-11-28', '--symbol', 'QQQX'], /no minute bars of QQQX/],
  ])('%j says why', async (argv, text) => {
    const isSymbolGiven = argv.includes('--symbol');
    const { code, stderr } = await run(...(isSymbolGiven ? [] : ['--symbol', 'QQQ']), ...argv, ...feed());
    expect(stderr).toMatch(text);
    expect(code).toBe(argv.includes('QQQX') ? 1 : 2);
  });
});
