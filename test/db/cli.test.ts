// The command line on a database: the contract of its output, and its exit codes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Captured, runCli } from '../cli/capture.ts';
import { useDatabase } from '../harness.ts';
import { addSampleMarket } from './sample_market.ts';

const db = useDatabase();
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-cli-'));
  await addSampleMarket(db.pool());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cli(...argv: readonly string[]): Promise<Captured> {
  return runCli(...argv, '--db', db.url());
}

async function stored(): Promise<unknown> {
  const { rows } = await db
    .pool()
    .query(
      'select (select count(*) from signal.signals) as signals, (select count(*) from signal.periods) as periods, (select count(*) from trade.runs) as runs',
    );
  return rows[0];
}

describe('runs', () => {
  it('a backtest prints one JSON object with run_id, its figures and its quote source', async () => {
    const { code, stdout, stderr } = await cli('backtest', '--quotes', 'modelled', '--json');
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 2 });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      run_id: expect.any(Number),
      mode: 'backtest',
      strategy: 'vwap_ma9',
      quote_source: 'modelled',
      quotes: 'modelled quotes',
      outcome: 'completed',
      sessions: 2,
    });
    expect(result.trades).toBeGreaterThan(0);
    expect(result.net).toBeCloseTo(result.gross - result.fees, 4);
    expect(stderr).toMatch(/modelled quotes/);
  });

  it('a replay gives the same rows, and parity says so with exit 0', async () => {
    const day = ['--quotes', 'modelled', '--to', '2025-10-06', '--json'];
    const a = JSON.parse((await cli('backtest', ...day)).stdout);
    const b = JSON.parse((await cli('replay', ...day, '--speed', 'max')).stdout);
    expect(b.run_id).toBe(a.run_id + 1);
    const { code, stdout } = await cli('parity', 'latest-1', 'latest');
    expect(code).toBe(0);
    expect(stdout).toMatch(/no difference in \d+ rows/);
  });

  it('parity of different runs exits 1 and names the first difference', async () => {
    const a = JSON.parse((await cli('backtest', '--quotes', 'modelled', '--json')).stdout);
    const args = ['backtest', '--quotes', 'modelled', '--json', '--set', 'contracts=10'];
    const b = JSON.parse((await cli(...args)).stdout);
    const { code, stdout, stderr } = await cli('parity', String(a.run_id), String(b.run_id));
    expect(code).toBe(1);
    expect(stderr).toMatch(/the runs differ in contracts: 25 in A, 10 in B/);
    expect(stderr).not.toMatch(/different ranges/);
    expect(stdout).toMatch(/the first: decisions at .*: capital is \d+\.00 in A and \d+\.00 in B/);
  });

  it('a summary in words says on what quotes it rests', async () => {
    const { stdout } = await cli(
      'backtest',
      '--quotes',
      'modelled',
      '--from',
      '2025-10-06',
      '--to',
      '2025-10-06',
    );
    expect(stdout).toMatch(/^session_date {2}trades/);
    expect(stdout).toMatch(/^modelled quotes \(modelled-60s\), ticks sample-60s$/m);
    expect(stdout).toMatch(/^exits {10}\S/m);
  });

  it.each([
    [['--quotes', 'recorded'], 1, /no recorded quotes of QQQ/],
    [['--quotes', 'modelled', '--from', '2024-01-02', '--to', '2024-01-03'], 1, /no ticks of QQQ/],
    [['--quotes', 'modelled', '--strategy', 'none'], 2, /no strategy none/],
    [['--quotes', 'modelled', '--set', 'colour=red'], 2, /unknown parameter: colour/],
    [['--quotes', 'modelled', '--set', 'contract=5'], 2, /Did you mean contracts\?/],
    [['--quotes', 'modelled', '--set', 'contracts=-5'], 2, /contracts = -5 is out of bounds/],
    [
      ['--quotes', 'modelled', '--set', 'contracts=abc'],
      2,
      /contracts cannot be abc: it takes a whole number/,
    ],
  ])('backtest %j fails with a word what to do', async (args, code, text) => {
    const result = await cli('backtest', ...args);
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(text) });
    expect(result.stderr.trimEnd().split('\n').at(-1)).toMatch(/^ {2}\S/);
  });

  it('drops a run with everything of it', async () => {
    const { run_id } = JSON.parse((await cli('backtest', '--quotes', 'modelled', '--json')).stdout);
    expect(await cli('runs', 'drop', String(run_id))).toMatchObject({ code: 0 });
    const { rows } = await db
      .pool()
      .query('select count(*)::integer as n from trade.decisions where run_id = $1', [run_id]);
    expect(rows[0]).toEqual({ n: 0 });
    expect(await cli('runs', 'drop', String(run_id))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no run/),
    });
  });
});

describe('output', () => {
  let runId = '';
  beforeAll(async () => {
    runId = String(JSON.parse((await cli('backtest', '--quotes', 'modelled', '--json')).stdout).run_id);
  });

  it('signals begin with their contract, the same from a run and evaluated, which stores nothing', async () => {
    const before = await stored();
    const evaluated = await cli('signals', '--strategy', 'vwap_ma9', '--format', 'csv');
    const fromRun = await cli('signals', '--run', runId, '--format', 'csv');
    expect(evaluated.stdout).toMatch(/^ts,strategy,direction,vwap,ma9,session_vwap,close,/);
    expect(fromRun.stdout).toMatch(/^ts,strategy,direction,vwap,ma9,session_vwap,close,/);
    const rows = (text: string): string[] =>
      text
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',').slice(0, 7).join(','));
    expect(rows(evaluated.stdout)).toEqual(rows(fromRun.stdout));
    expect(rows(evaluated.stdout).length).toBeGreaterThan(50);
    expect(rows(evaluated.stdout)[0]).toMatch(
      /^2025-10-06 \d\d:\d\d:00,vwap_ma9,(up|down),\d+\.\d{2,6},\d+\.\d{2,6},\d+\.\d{2,6},\d+\.\d{2,4}$/,
    );
    expect(await stored()).toEqual(before);
  });

  it('signals of a part of the range are that part of all', async () => {
    const all = await cli('signals', '--strategy', 'vwap_ma9', '--format', 'csv');
    const range = ['--from', '2025-10-06 10:00', '--to', '2025-10-06 11:00'];
    const part = await cli('signals', '--strategy', 'vwap_ma9', '--format', 'csv', ...range);
    const wanted = all.stdout.split('\n').filter((line) => line.startsWith('2025-10-06 10:'));
    expect(part.stdout.trimEnd().split('\n').slice(1)).toEqual(wanted);
  });

  it('bars begin with their contract and are timed by their end', async () => {
    const { stdout } = await cli('bars', '--from', '2025-10-06', '--to', '2025-10-06', '--format', 'csv');
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ts,open,high,low,close,volume,vwap,/);
    expect(lines).toHaveLength(391);
    expect(lines[1]).toMatch(/^2025-10-06 09:31:00,/);
    expect(lines.at(-1)).toMatch(/^2025-10-06 16:00:00,/);
    const five = await cli(
      'bars',
      '--interval',
      '5m',
      '--from',
      '2025-10-06',
      '--to',
      '2025-10-06',
      '--format',
      'csv',
    );
    expect(five.stdout.trimEnd().split('\n')).toHaveLength(79);
  });

  it.each([
    ['pl', /^session_date,strategy,run_id,trades,wins,gross,fees,net,max_drawdown,.*quote_source/],
    ['trades', /^ts_entry,ts_exit,strategy,run_id,.*quote_source/],
    ['decisions', /^ts,strategy,kind,verdict,reason,.*quote_source/],
  ])('%s of the latest run says which run that is, and its quote source', async (command, header) => {
    const csv = await cli(command, '--format', 'csv', '--to', '2025-10-06');
    expect(csv.stderr).toMatch(/latest run: \d+: backtest of vwap_ma9 .* modelled quotes/);
    expect(csv.stdout).toMatch(header);
    expect(csv.stdout).not.toMatch(/2025-10-07/);
    const table = await cli(command);
    expect(table.stdout).toMatch(/modelled quotes \(modelled-60s\)/);
    expect(table.stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('run '))).toEqual(
      [],
    );
    const json = JSON.parse((await cli(command, '--format', 'json')).stdout);
    expect(json[0]).toMatchObject({ quote_source: 'modelled' });
  });

  it('decisions leave out the periods without a signal, and say how many', async () => {
    const lines = ({ stdout }: Captured): number => stdout.trimEnd().split('\n').length;
    const shown = await cli('decisions', '--format', 'csv');
    const all = await cli('decisions', '--all', '--format', 'csv');
    const [, left = '0'] = /left out: ([\d,]+) periods without a signal/.exec(shown.stderr) ?? [];
    expect(shown.stdout).not.toMatch(/no_signal/);
    expect(Number(left.replace(',', ''))).toBeGreaterThan(100);
    expect(lines(all)).toBe(lines(shown) + Number(left.replace(',', '')));
    expect(all.stderr).not.toMatch(/left out/);
  });

  it('trades name the fills that panel.lineage takes, and what is still open', async () => {
    const csv = await cli('trades', '--run', runId, '--format', 'csv');
    const [header = '', first = ''] = csv.stdout.split('\n');
    const fill = first.split(',')[header.split(',').indexOf('entry_fill_id')];
    const { rows } = await db
      .pool()
      .query('select effect, run_id from panel.fills where fill_id = $1', [fill]);
    expect(rows).toEqual([{ effect: 'open', run_id: runId }]);
    const open = await db
      .pool()
      .query(
        "select ts::text, contract from panel.fills where run_id = $1 and effect = 'open' order by ts limit 1",
        [runId],
      );
    // A replay that ends while its first position is open.
    const until = String(open.rows[0].ts).slice(0, 16);
    const [date = '', time = ''] = until.split(' ');
    const minute = Number(time.slice(3)) + 1;
    const end = `${date} ${time.slice(0, 2)}:${String(minute).padStart(2, '0')}:30`;
    const replay = await cli('replay', '--quotes', 'modelled', '--to', end, '--speed', 'max', '--json');
    for (const command of ['trades', 'pl']) {
      const { stdout } = await cli(command, '--run', String(JSON.parse(replay.stdout).run_id));
      expect(stdout).toMatch(/Still open, not in the figures above: a position/);
      expect(stdout).toContain(open.rows[0].contract.replace(/ +/, ' '));
    }
  });

  it('of all runs, every row says its run', async () => {
    const { stdout } = await cli('pl', '--run', 'all', '--format', 'json');
    const runs = new Set(JSON.parse(stdout).map((row: { run_id: number }) => row.run_id));
    expect(runs.size).toBeGreaterThan(1);
  });

  it('status tells engine, strategies and feeds', async () => {
    const status = JSON.parse((await cli('status', '--format', 'json')).stdout);
    expect(status).toMatchObject({ engine: expect.stringMatching(/^(timescaledb|postgresql)$/) });
    expect(status.feeds).toContainEqual(
      expect.objectContaining({
        feed: 'sample-60s',
        rows: 780,
        first: '2025-10-06 09:30',
        last: '2025-10-07 15:59',
      }),
    );
  });
});

describe('sql', () => {
  it('reads schema panel, and everything with --all', async () => {
    expect(await cli('sql', 'select count(*) from panel.bars_1m', '--format', 'csv')).toMatchObject({
      code: 0,
      stdout: 'count\n780\n',
    });
    expect(await cli('sql', 'select 1 from market.equity_ticks')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--all/),
    });
    expect(
      await cli('sql', '--all', 'select 1 as one from market.equity_ticks limit 1', '--format', 'csv'),
    ).toMatchObject({
      stdout: 'one\n1\n',
    });
  });

  it('cannot write, whatever it is given', async () => {
    const before = await stored();
    for (const text of [
      "insert into trade.controls (halted, reason) values (true, 'x')",
      'commit; drop table trade.runs',
    ]) {
      expect(await cli('sql', '--all', text)).toMatchObject({ code: 1 });
    }
    expect(await stored()).toEqual(before);
  });
});

it('imports files, prints what became of each, and exits 1 when one failed', async () => {
  const good = join(folder, 'good.csv');
  const bad = join(folder, 'bad.csv');
  const lines = Array.from(
    { length: 30 },
    (_, n) => `2025-10-08 10:${String(n).padStart(2, '0')}:00,600,601,599,600,100`,
  );
  writeFileSync(good, `timestamp,open,high,low,close,volume\n${lines.join('\n')}\n`);
  writeFileSync(bad, `timestamp,open,high,low,close,volume\n2025-10-08 10:00:00,600,601,-1,600,100\n`);
  const first = await cli('import', good, bad, '--symbol', 'QQQ');
  expect(first.code).toBe(1);
  expect(first.stdout).toMatch(/30 in, 0 duplicate, 0 rejected; 1 of 2 files failed/);
  expect(first.stderr).toMatch(/bad\.csv:2: /);
  expect(first.stderr).toMatch(/typical price/);
  const second = await cli('import', good, '--symbol', 'QQQ');
  expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/0 in, 30 duplicate, 0 rejected/) });
});

it('changes a strategy by writing a new version', async () => {
  expect(await cli('strategies', 'set', 'vwap_ma9', 'contracts=10', 'stop_loss_ratio=null')).toMatchObject({
    code: 0,
  });
  const listed = async () => JSON.parse((await cli('strategies', 'list', '--json')).stdout);
  const strategy = (await listed()).find((row: { strategy: string }) => row.strategy === 'vwap_ma9');
  expect(strategy).toMatchObject({ version: 2, contracts: 10, stop_loss_ratio: null, enabled: true });
  await cli('strategies', 'disable', 'vwap_ma9');
  const disabled = (await listed()).find((row: { strategy: string }) => row.strategy === 'vwap_ma9');
  expect(disabled).toMatchObject({ version: 3, contracts: 10, enabled: false });
});

it('a database that was not migrated is told from one that was', async () => {
  await db
    .pool()
    .query(
      "insert into engine.routine_sets (sha256, ts) values ('of another version', localtimestamp + interval '1 day')",
    );
  expect(await cli('pl')).toMatchObject({ code: 1, stderr: expect.stringMatching(/strikebase migrate/) });
});
