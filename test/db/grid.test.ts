// Grids: every combination a run of its own, what is complete found again, walk-forward that has not seen what it is tested on.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import { projectPath } from '../../core/root.ts';
import { connect } from '../../db/pool.ts';
import { unlockAccount } from '../../jobs/advance.ts';
import { findCells, type GridRequest, runGrid } from '../../jobs/grid.ts';
import { compareRuns } from '../../jobs/parity.ts';
import { openRun } from '../../jobs/run.ts';
import { summarizeRun } from '../../jobs/run_summary.ts';
import { type Captured, runCli } from '../cli/capture.ts';
import { eventually, useDatabase } from '../harness.ts';
import { addSampleMarket, at, SAMPLE_FEED, SAMPLE_QUOTES } from './sample_market.ts';

const db = useDatabase();
const clients: pg.Client[] = [];
let folder = '';

// The same first day; on the second whatever rises has fallen again a minute later.
const RESTLESS = `
  select ref.feed_id('restless-60s', 'equity', 60000, 'recorded', 90000), ref.feed_id('restless-quotes', 'option', 60000, 'modelled', 90000);
  insert into market.equity_ticks (
    instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4, vwap_e6, vwap_is_typical, volume_e6,
    trade_count, ts_recv
  )
  select
    t.instrument_id, m.feed_id, t.ts_event, t.seq, t.event_ns, t.span_ms, coalesce(x.px, t.open_e4), coalesce(x.px, t.high_e4),
    coalesce(x.px, t.low_e4), coalesce(x.px, t.close_e4), coalesce(x.px * 100::bigint, t.vwap_e6), t.vwap_is_typical, t.volume_e6,
    t.trade_count, t.ts_recv
  from market.equity_ticks t
  join ref.feeds f on f.feed_id = t.feed_id and f.name = '${SAMPLE_FEED}'
  join ref.feeds m on m.name = 'restless-60s'
  cross join lateral (
    select case when t.ts_event >= '2025-10-07' then
      (6000000 + 20000 * sin(extract(epoch from t.ts_event - '2025-10-07') / 60 * 2.2))::integer
    end as px
  ) x;
  select market.model_option_quotes('2025-10-06', '2025-10-08', i.instrument_id, t.feed_id, q.feed_id)
  from ref.instruments i, ref.feeds t, ref.feeds q
  where i.symbol = 'QQQ' and t.name = 'restless-60s' and q.name = 'restless-quotes'`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-grid-'));
  await addSampleMarket(db.pool());
  await db.pool().query(RESTLESS);
  for (const _ of [1, 2]) clients.push(await connect({ url: db.url(), role: 'job_runner', name: 'test' }));
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  rmSync(folder, { recursive: true, force: true });
});

const first = (): pg.Client => clients[0] as pg.Client;
const FEEDS = ['--feed', SAMPLE_FEED, '--quote-feed', SAMPLE_QUOTES, '--quotes', 'modelled'];

function cli(...argv: readonly string[]): Promise<Captured> {
  return runCli(...argv, '--db', db.url());
}

type Row = Readonly<Record<string, unknown>>;

async function grid(...argv: readonly string[]): Promise<{ rows: Row[]; stderr: string }> {
  const { code, stdout, stderr } = await cli('grid', ...FEEDS, ...argv, '--format', 'json');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return { rows: JSON.parse(stdout), stderr };
}

async function backtest(...argv: readonly string[]): Promise<Row & { readonly run_id: number }> {
  const { stdout } = await cli('backtest', ...FEEDS, ...argv, '--json');
  return JSON.parse(stdout);
}

async function runs(): Promise<number> {
  const { rows } = await db.pool().query<{ n: number }>('select count(*)::integer as n from trade.runs');
  return rows[0]?.n ?? 0;
}

function request(settings: Readonly<Record<string, unknown>> = {}): GridRequest {
  const range = { from: at('2025-10-06'), to: at('2025-10-08') };
  return { strategy: 'vwap_ma9', ...range, tickFeed: SAMPLE_FEED, quoteFeed: SAMPLE_QUOTES, settings };
}

async function complete(requests: readonly GridRequest[]): Promise<number[]> {
  const signal = new AbortController().signal;
  const cells = await findCells(first(), requests, true);
  const { runIds } = await runGrid(clients, cells, { clock: systemClock(), signal });
  return runIds as number[];
}

describe('a run of a grid', () => {
  let [lean, full]: [number, Row & { readonly run_id: number }] = [0, { run_id: 0 }];
  beforeAll(async () => {
    [lean = 0] = await complete([request()]);
    full = await backtest();
  });

  it('has the trades of a full one, row by row, and counts of what it skipped', async () => {
    const both = { runA: lean, runB: full.run_id };
    const report = await compareRuns(first(), both, { from: '-infinity', to: 'infinity' });
    expect(report).toMatchObject({ differences: 0, first: null });
    for (const table of report.tables) expect(table.rowsA, table.table).toBeGreaterThan(3);
    expect(report.tables.map(({ table }) => table)).toContain('skips');
    const { rows } = await db.pool().query(
      `select r.keeps,
         (select count(*)::integer from trade.decisions d where d.run_id = r.run_id and d.verdict = 'SKIP') > 0 as has_skips,
         (select sum(s.periods)::integer from panel.skips s where s.run_id = r.run_id)
           + (select count(*)::integer from trade.decisions d where d.run_id = r.run_id and d.verdict = 'TRADE' and d.kind = 'entry') as periods
       from trade.runs r where r.run_id = any ($1) order by r.run_id`,
      [[lean, full.run_id]],
    );
    expect(rows).toEqual([
      { keeps: 'trades', has_skips: false, periods: 780 },
      { keeps: 'all', has_skips: true, periods: 780 },
    ]);
  });

  it('is summed up, reported and listed with its skips, and says that they are counts', async () => {
    const { run_id, ts_to, elapsed_ms, quotes, ...figures } = full;
    expect(await summarizeRun(first(), lean)).toEqual({ ...figures, run_id: lean, ts_to, keeps: 'trades' });
    expect(figures.skipped).toMatchObject({ outside_window: expect.any(Number) });
    const path = join(folder, 'report.html');
    expect(await cli('report', '--run', String(lean), '--out', path)).toMatchObject({ code: 0 });
    expect(readFileSync(path, 'utf8')).toMatch(/outside window[\s\S]*has counted what it skipped/);
    const { stdout } = await cli('runs', 'list');
    expect(stdout).toMatch(new RegExp(`^ *${lean} +grid `, 'm'));
    expect((await cli('pl', '--run', String(lean))).stdout).toMatch(/skips counted and not kept/);
    const decisions = await cli('decisions', '--run', String(lean), '--format', 'csv');
    expect(decisions.stderr).toMatch(/counted by session .*no_signal \d+/);
    expect(decisions.stdout).not.toMatch(/SKIP/);
  });

  it('is not what latest means, nothing to learn from, and dropped with its counts', async () => {
    const [newest = 0] = await complete([request({ contracts: 3 })]);
    expect((await cli('pl')).stderr).toMatch(new RegExp(`latest run: ${full.run_id}:`));
    const training = ['export', 'training', '--out', join(folder, 'none.csv')];
    expect(await cli(...training, '--run', String(newest))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/keeps trades/),
    });
    expect(await cli('runs', 'drop', String(newest))).toMatchObject({ code: 0 });
    const { rows } = await db.pool().query('select from trade.skip_counts where run_id = $1', [newest]);
    expect(rows).toEqual([]);
  });
});

describe('a grid', () => {
  const day = ['--to', '2025-10-06'];
  const varied = ['--vary', 'cooldown_ms=0,300000', '--vary', 'take_profit_ratio=0.5,null'];

  it('runs every combination, the same figures as a backtest of each, best first, and finds them again', async () => {
    const { rows, stderr } = await grid(...day, ...varied, '--jobs', '2');
    expect(stderr).toMatch(/grid: 4 runs, 4 to do, 2 at once/);
    const pairs = rows.map((row) => `${row.cooldown_ms} ${row.take_profit_ratio}`);
    expect([...pairs].sort()).toEqual(['0 0.5', '0 null', '300000 0.5', '300000 null']);
    const nets = rows.map(({ net }) => Number(net));
    expect(nets).toEqual([...nets].sort((a, b) => b - a));
    expect(new Set(nets).size).toBeGreaterThan(1);
    for (const row of rows.slice(0, 2)) {
      const set = [
        '--set',
        `cooldown_ms=${row.cooldown_ms}`,
        '--set',
        `take_profit_ratio=${row.take_profit_ratio}`,
      ];
      const alone = await backtest(...day, ...set);
      expect(row).toMatchObject({
        trades: alone.trades,
        win_rate: Number(Number(alone.win_rate).toFixed(4)),
        net: alone.net,
        max_drawdown: alone.max_drawdown,
        quote_source: 'modelled',
      });
    }
    const before = await runs();
    const again = await grid(...day, ...varied, '--by', 'max_drawdown');
    expect(again.stderr).toMatch(/grid: 4 runs, 4 of them complete already$/m);
    const drawdowns = again.rows.map(({ max_drawdown }) => Number(max_drawdown));
    expect(drawdowns).toEqual([...drawdowns].sort((a, b) => a - b));
    expect(await runs()).toBe(before);
  });

  it('goes on with what is missing: of other values, of another range, of data that came later', async () => {
    const set = ['--set', 'contracts=7'];
    const { rows } = await grid(...day, ...set, '--vary', 'cooldown_ms=0');
    const more = await grid(...day, ...set, '--vary', 'cooldown_ms=60000,0');
    expect(more.stderr).toMatch(/grid: 2 runs, 1 of them complete already, 1 to do, 1 at once/);
    expect(more.rows.map(({ run_id }) => run_id)).toContain(rows[0]?.run_id);
    const found = async (range: Partial<GridRequest>): Promise<boolean[]> => {
      const settings = { contracts: '7', cooldown_ms: '0' };
      const cells = await findCells(first(), [{ ...request(settings), to: at('2025-10-07'), ...range }]);
      return cells.map(({ runId }) => runId !== null);
    };
    expect(await found({})).toEqual([true]);
    expect(await found({ to: at('2025-10-08') })).toEqual([false]);
    expect(await found({ quoteFeed: 'restless-quotes' })).toEqual([false]);
    const imported = (file: string, hours: readonly string[]): Promise<unknown> =>
      db.pool().query(
        `insert into ops.imports (ts, file, sha256, feed_id, rows_in, rows_duplicate, rows_rejected, ts_first, ts_last)
         select '2100-01-01', $1, '', f.feed_id, 1, 0, 0, $2, $3 from ref.feeds f where f.name = $4`,
        [file, ...hours, SAMPLE_FEED],
      );
    await imported('other days.csv', ['2025-10-03 10:00', '2025-10-03 11:00']);
    expect(await found({})).toEqual([true]);
    await imported('later.csv', ['2025-10-06 10:00', '2025-10-06 11:00']);
    expect(await found({})).toEqual([false]);
    await db
      .pool()
      .query(
        'set session_replication_role = replica; delete from ops.imports; reset session_replication_role',
      );
    expect(await found({})).toEqual([true]);
  });

  it('stopped by Ctrl-C keeps what is complete and nothing else', async () => {
    const before = await runs();
    const argv = [...FEEDS, '--set', 'contracts=9', '--vary', 'cooldown_ms=0,1000,2000,3000', '--jobs', '2'];
    const running = cli('grid', ...argv, '--format', 'json');
    await eventually(
      async () => {
        const { rows } = await db
          .pool()
          .query("select from trade.runs where params ->> 'contracts' = '9' and outcome = 'completed'");
        expect(rows.length).toBeGreaterThan(0);
      },
      { timeoutMs: 20_000 },
    );
    process.emit('SIGINT');
    const { code, stdout, stderr } = await running;
    expect(code).toBe(130);
    const kept = JSON.parse(stdout).length;
    expect(stderr).toMatch(new RegExp(`stopped: grid: ${kept} of 4 runs are complete and kept`));
    expect(kept).toBeLessThan(4);
    expect(await runs()).toBe(before + kept);
    const { rows, stderr: second } = await grid(...argv.slice(FEEDS.length));
    expect(second).toMatch(new RegExp(`4 runs, ${kept} of them complete already`));
    expect(rows).toHaveLength(4);
  });

  it('that was killed leaves runs that the next one drops, and none that goes on', async ({ skip }) => {
    skip(!existsSync(projectPath('dist', 'cli', 'main.js')), 'needs the compiled program: npm run build');
    const argv = ['--set', 'contracts=11', '--vary', 'cooldown_ms=0,1000,2000,3000', '--jobs', '2'];
    const child = spawn(process.execPath, [
      ...[projectPath('bin', 'strikebase.js'), 'grid', ...FEEDS, ...argv, '--db', db.url()],
    ]);
    const ended = new Promise((resolve) => child.once('close', resolve));
    const open = async (): Promise<number> =>
      (
        await db
          .pool()
          .query("select from trade.runs where params ->> 'contracts' = '11' and ts_ended is null")
      ).rows.length;
    await eventually(async () => expect(await open()).toBeGreaterThan(0), { timeoutMs: 20_000 });
    child.kill('SIGKILL');
    await ended;
    // One of another grid, which goes on.
    const other = await openRun(
      first(),
      { ...request({ contracts: 12 }), mode: 'backtest', keeps: 'trades' },
      systemClock(),
    );
    // The server ends what it does for a client that is gone.
    await eventually(
      async () => {
        const { rows } = await db
          .pool()
          .query(
            "select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
          );
        expect(rows).toHaveLength(1);
      },
      { timeoutMs: 20_000 },
    );
    const left = await open();
    expect(left).toBeGreaterThan(0);
    const again = await grid(...argv);
    expect(again.stderr).toMatch(
      new RegExp(`${left} runs? of a grid that was killed had not come to an end: dropped`),
    );
    expect(again.rows).toHaveLength(4);
    expect(await open()).toBe(0);
    const isOpen = async (): Promise<boolean> =>
      (await db.pool().query('select from trade.runs where run_id = $1 and ts_ended is null', [other.runId]))
        .rows.length > 0;
    expect(await isOpen()).toBe(true);
    await unlockAccount(first(), other.account);
    expect((await grid(...argv)).stderr).toContain(`dropped (${other.runId})`);
    expect(await isOpen()).toBe(false);
  });

  it('tells one that fails, and stops the others', async () => {
    const cells = await findCells(first(), [request({ contracts: 2 })]);
    const broken = { ...cells[0], request: request({ signal_routine: 'signal.none' }) } as (typeof cells)[0];
    const signal = new AbortController().signal;
    await expect(runGrid(clients, [broken, ...cells], { clock: systemClock(), signal })).rejects.toThrow(
      /signal\.none/,
    );
    const { rows } = await db.pool().query('select from trade.runs where ts_ended is null');
    expect(rows).toEqual([]);
  });

  it.each([
    [['--vary', 'contract=1,2'], /unknown parameter: contract\n.*Did you mean contracts\?/],
    [['--vary', 'contracts=1,many'], /contracts cannot be many: it takes a whole number/],
    [['--vary', 'contracts=1,501'], /contracts = 501.* is out of bounds/],
    [['--vary', 'contracts=1,1'], /contracts has 1 twice/],
    [['--vary', 'contracts=1', '--vary', 'contracts=2'], /contracts stands there twice/],
    [['--vary', 'take_profit_ratio=0.5,0.50'], /two combinations are the same/],
    [['--vary', 'contracts=1,2', '--set', 'contracts=3'], /contracts is both set and varied/],
    [['--vary', 'contracts'], /Write KEY=VALUE,VALUE/],
    [['--vary', 'contracts=1,'], /A value of contracts is empty/],
    [['--vary', 'underlying=QQQ,SPX'], /underlying cannot be varied/],
    [[], /--vary is missing/],
    [['--vary', 'contracts=1,2', '--walk-forward', '12/3'], /Write TRAIN\/TEST/],
    [
      ['--vary', 'contracts=1,2', '--walk-forward', '12m/3m'],
      /2 sessions: too short for a training and a test/,
    ],
    [['--vary', 'contracts=1,2', '--strategy', 'none'], /no strategy none/],
  ])('%j is answered before anything runs', async (argv, text) => {
    const before = await runs();
    const result = await cli('grid', ...FEEDS, ...argv);
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(text) });
    expect(await runs()).toBe(before);
  });
});

describe('walk-forward', () => {
  const varied = ['--vary', 'sell_on_cross_up=put,call'];
  const walk = [...varied, '--walk-forward', '1s/1s'];

  it('runs the best of each training on the test that follows, and adds the tests up', async () => {
    const { rows } = await grid(...walk);
    const [window, total] = rows;
    expect(rows).toHaveLength(2);
    expect(window).toMatchObject({ train_to: '2025-10-06', test_from: '2025-10-07', test_to: '2025-10-07' });
    const trained = await grid(...varied, '--to', '2025-10-06');
    expect(trained.stderr).toMatch(/2 of them complete already/);
    const [best, other] = trained.rows;
    expect(best?.net).not.toBe(other?.net);
    expect(window).toMatchObject({
      train_run_id: best?.run_id,
      in_net: best?.net,
      sell_on_cross_up: best?.sell_on_cross_up,
    });
    const tested = await summarizeRun(first(), Number(window?.test_run_id));
    expect(tested).toMatchObject({ ts_from: '2025-10-07 00:00:00', ts_to: '2025-10-08 00:00:00' });
    expect(window).toMatchObject({ out_net: tested.net, out_trades: tested.trades });
    expect(total).toMatchObject({
      test_from: 'total',
      out_net: tested.net,
      out_max_drawdown: tested.max_drawdown,
    });
  });

  it('chooses the same whatever comes after the training, even where the other would have been better', async () => {
    const restless = [
      '--feed',
      'restless-60s',
      '--quote-feed',
      'restless-quotes',
      '--quotes',
      'modelled',
      '--format',
      'json',
    ];
    const [known] = (await grid(...walk)).rows;
    const [other] = JSON.parse((await cli('grid', ...restless, ...walk)).stdout) as Row[];
    for (const name of ['sell_on_cross_up', 'in_net', 'in_trades', 'in_max_drawdown'])
      expect(other?.[name], name).toEqual(known?.[name]);
    const hindsight = JSON.parse(
      (await cli('grid', ...restless, ...varied, '--from', '2025-10-07')).stdout,
    ) as Row[];
    expect(hindsight[0]?.sell_on_cross_up).not.toBe(other?.sell_on_cross_up);
    expect(hindsight[1]?.net).toBe(other?.out_net);
  });

  it('runs nothing where the training has no trade to go by', async () => {
    const { rows, stderr } = await grid('--vary', 'trading_capital=1,2', '--walk-forward', '1s/1s');
    expect(stderr).toMatch(/1 windows have no trade in their training/);
    expect(rows.map(({ test_run_id, out_trades }) => [test_run_id, out_trades])).toEqual([
      [null, null],
      [null, 0],
    ]);
  });
});

describe('the training table', () => {
  it('has a row for every signal, with its decision and what became of it', async () => {
    const run = await backtest('--to', '2025-10-06', '--set', 'contracts=5');
    const path = join(folder, 'training.csv');
    expect(await cli('export', 'training', '--strategy', 'vwap_ma9', '--out', path)).toMatchObject({
      code: 0,
    });
    const [head = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
    const names = head.split(',');
    const rows = lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i], cell])));
    expect(rows).toHaveLength(Number(run.signals));
    expect(head).toMatch(
      /^run_id,strategy,version,symbol,quote_source,session_date,ts,.*,verdict,reason,.*,outcome,/,
    );
    const closed = rows.filter(({ outcome }) => outcome === 'closed');
    expect(closed).toHaveLength(Number(run.trades));
    expect(closed.reduce((sum, { net }) => sum + Number(net), 0)).toBeCloseTo(Number(run.net), 4);
    for (const { gross, max_adverse, max_favourable, verdict } of closed) {
      expect(verdict).toBe('TRADE');
      expect(Number(gross)).toBeGreaterThanOrEqual(-Number(max_adverse));
      expect(Number(gross)).toBeLessThanOrEqual(Number(max_favourable));
    }
    const skipped = rows.filter(({ verdict }) => verdict === 'SKIP');
    expect(skipped.length).toBe(
      Object.values(run.skipped as Row).reduce((sum: number, n) => sum + Number(n), 0),
    );
    expect(await cli('export', 'daily_pl', '--strategy', 'vwap_ma9', '--out', path)).toMatchObject({
      code: 2,
    });
  });
});
