// docs/own-strategy.md does what it says: its blocks are taken from the page and used as they stand.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { projectPath } from '../../../core/root.ts';
import { runCli } from '../../cli/capture.ts';
import { useDatabase } from '../../harness.ts';
import { addSampleMarket, SAMPLE_FEED } from '../sample_market.ts';

const page = readFileSync(projectPath('docs', 'own-strategy.md'), 'utf8');
const database = useDatabase();

function block(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page) ?? [];
  if (text === undefined) throw new Error(`no ${language} in the page`);
  return text;
}

/** The commands of the page that begin so, without npx. */
function commands(beginning: string): string[][] {
  const lines = [...page.matchAll(/^npx strikebase (.*)$/gm)].map(([, line = '']) => line);
  return lines.filter((line) => line.startsWith(beginning)).map((line) => line.split(' '));
}

async function cli(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(...argv, '--db', database.url());
  expect({ argv, code, stderr: code === 0 ? '' : stderr }).toEqual({ argv, code: 0, stderr: '' });
  return stdout;
}

beforeAll(async () => {
  await addSampleMarket(database.pool());
  await database.pool().query(block('sql'));
});

describe('the template', () => {
  it('is added by the page’s own command, disabled at first', async () => {
    const [add = []] = commands('strategies add');
    expect(await cli(...add)).toMatch(
      /^my_rule version 1, disabled: as vwap_ma9, signal_routine=signal\.my_rule/,
    );
    const { rows } = await database
      .pool()
      .query(
        "select enabled, account, take_profit_ratio::float8 as target from ref.current_strategies where strategy = 'my_rule'",
      );
    expect(rows).toEqual([{ enabled: false, account: 'my_rule', target: 0.4 }]);
  });

  it('is evaluated and backtested by the page’s own commands, and a replay gives the same rows', async () => {
    const [signals = []] = commands('signals');
    expect(JSON.parse(await cli(...signals, '--format', 'json')).length).toBeGreaterThan(10);
    const [backtest = []] = commands('backtest');
    const day = [...backtest.slice(1), '--to', '2025-10-06 11:30', '--json'];
    const a = JSON.parse(await cli('backtest', ...day));
    expect(a).toMatchObject({ strategy: 'my_rule', sessions: 1, outcome: 'completed' });
    expect(a.trades).toBeGreaterThan(0);
    const b = JSON.parse(await cli('replay', ...day));
    expect(await cli('parity', String(a.run_id), String(b.run_id))).toMatch(/no difference in \d+ rows/);
  });

  it('may trade once it is enabled', async () => {
    const [enable = []] = commands('strategies enable');
    await cli(...enable);
    const { rows } = await database
      .pool()
      .query("select enabled from ref.current_strategies where strategy = 'my_rule'");
    expect(rows).toEqual([{ enabled: true }]);
  });

  it.each([
    [['My-Rule'], /cannot be called/],
    [['vwap_ma9'], /already/],
    [['other', 'signal_routine=signal.none'], /no rule signal\.none/],
    [['other', '--like', 'nothing'], /unknown strategy nothing/],
    [['other', 'colour=red'], /unknown parameter: colour/],
    [['other', 'contracts=0'], /out of bounds/],
  ])('%j is refused with a word what to do', async (words, text) => {
    const { code, stderr } = await runCli('strategies', 'add', ...words, '--db', database.url());
    expect(code).toBe(2);
    expect(stderr).toMatch(text);
  });
});

const RULE = 'signal.my_rule';

/** Signals in (from, to], of what was received by `asOf`: their times and directions. */
async function signals(from: string, to: string, asOf = '2035-01-01'): Promise<unknown[]> {
  const { rows } = await database.pool().query(
    `select s.ts::text, s.direction
     from ref.instruments i, ref.feeds f,
       lateral ${RULE}($1, $2, row(null, i.instrument_id, f.feed_id, $3::timestamp, 60000, 9, null, null)::signal.context) s
     where i.symbol = 'QQQ' and f.name = $4`,
    [from, to, asOf, SAMPLE_FEED],
  );
  return rows;
}

it('gives the same rows however the range is cut', async () => {
  const whole = await signals('2025-10-06', '2025-10-08');
  expect(whole.length).toBeGreaterThan(10);
  const cuts = [
    '2025-10-06',
    '2025-10-06 10:17',
    '2025-10-06 10:18',
    '2025-10-06 15:00:30',
    '2025-10-07 09:31',
    '2025-10-08',
  ];
  const parts: unknown[] = [];
  for (const [n, cut] of cuts.slice(1).entries()) parts.push(...(await signals(cuts[n] ?? '', cut)));
  expect(parts).toEqual(whole);
});

it('does not look ahead: what was received later changes nothing', async () => {
  const [from, to] = ['2025-10-06', '2025-10-06 12:00'];
  expect(await signals(from, to, '2025-10-06 12:00')).toEqual(await signals(from, to));
});

it('says nothing where there are no ticks', async () => {
  expect(await signals('2025-10-08', '2025-10-09')).toEqual([]);
});

it('the page’s test file is this file’s second half', () => {
  const own = readFileSync(import.meta.filename, 'utf8');
  const flat = (text: string): string => text.replaceAll(/\s+|(?<=[[({,]\s*),|,(?=\s*[\])}])/g, '');
  const shown = flat(block('ts'));
  const from = flat('/** Signals in (from, to]');
  expect(flat(own)).toContain(shown.slice(shown.indexOf(from)));
});
