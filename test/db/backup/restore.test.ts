// A backup and its return: every row, and a database that goes on working.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../../cli/capture.ts';
import { engineName, useDatabase } from '../../harness.ts';
import { addSampleMarket } from '../sample_market.ts';

const source = useDatabase();
const target = useDatabase({ isEmpty: true });
const other = useDatabase({ isEmpty: true });
// The npm package of the embedded engine has no pg_dump, and this machine's may be older than that engine.
const canDump = hasProgramFor('pg_dump', engineName() === 'embedded' ? 18 : 15);
let folder = '';

function hasProgramFor(name: string, major: number): boolean {
  const { stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
  return Number(/(\d+)/.exec(stdout ?? '')?.[1] ?? 0) >= major;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-backup-'));
  await addSampleMarket(source.pool());
  const range = ['--from', '2025-10-06', '--to', '2025-10-07'];
  const feed = ['--feed', 'sample-60s', '--quotes', 'modelled'];
  const { code, stderr } = await runCli(
    'backtest',
    '--strategy',
    'vwap_ma9',
    ...feed,
    ...range,
    '--db',
    source.url(),
  );
  expect(stderr).not.toMatch(/error/i);
  expect(code).toBe(0);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TABLES_SQL = `
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any ('{ref,market,signal,trade,ops,engine}') and c.relkind in ('r', 'p') and not c.relispartition
  union all select unnest('{market.bars_1m,market.bars_5m,panel.daily_pl,panel.round_trips}'::text[])
  order by 1`;

/** Rows and a digest of each table, order apart; rows that only say what was deployed when are left out. */
async function digests(pool: pg.Pool): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string }>(TABLES_SQL);
  const of: Record<string, string> = {};
  for (const { name } of rows) {
    const found = await pool.query(
      `select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as digest from ${name} t`,
    );
    of[name] = found.rows[0].digest;
  }
  return of;
}

// Chunks aside: policies begin at once to work on those of the restored database.
const GRANTS_SQL = `
  select grantee, table_schema, table_name, privilege_type from information_schema.table_privileges
  where grantee in ('ingest_writer', 'job_runner', 'grafana_reader', 'backup')
    and table_schema in ('ref', 'market', 'signal', 'trade', 'panel', 'ops', 'engine')
  order by 1, 2, 3, 4`;
const SETTINGS_SQL = `
  select unnest(s.setconfig) as setting from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
  where d.datname = current_database() and s.setrole = 0 order by 1`;
const JOBS_SQL = `
  select proc_name, schedule_interval::text, hypertable_schema, hypertable_name, config - 'mat_hypertable_id' - 'hypertable_id' as config
  from timescaledb_information.jobs where hypertable_name is not null order by 1, 3, 4, 2`;

async function rowsOf(pool: pg.Pool, text: string): Promise<unknown[]> {
  return (await pool.query(text)).rows;
}

/** New rows come in, bars follow, rules run: by the programs and roles that do it every day. */
async function expectWorking(pool: pg.Pool, url: string): Promise<void> {
  const range = [
    '--from',
    '2025-10-06',
    '--to',
    '2025-10-06',
    '--feed',
    'sample-60s',
    '--quotes',
    'modelled',
  ];
  const backtest = await runCli('backtest', '--strategy', 'vwap_ma9', ...range, '--db', url);
  expect(backtest).toMatchObject({ code: 0 });
  const parity = await runCli('parity', '1', '2', '--db', url);
  expect(parity.stdout + parity.stderr).not.toMatch(/error/i);
  await pool.query(`
    insert into market.equity_ticks (instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4,
      vwap_e6, vwap_is_typical, volume_e6, trade_count, ts_recv)
    select instrument_id, feed_id, ts_event + interval '1 year', seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4,
      vwap_e6, vwap_is_typical, volume_e6, trade_count, ts_recv + interval '1 year' from market.equity_ticks limit 100`);
  const bars = await pool.query(
    `select count(*)::integer as bars from market.bars_1m where ts_open >= '2026-01-01'`,
  );
  expect(bars.rows[0].bars).toBe(100);
  await expect(pool.query('delete from market.equity_ticks')).rejects.toMatchObject({ code: 'SB001' });
}

it.skipIf(!canDump)(
  'a dump brings back every row, grants, settings and policies',
  async () => {
    const file = join(folder, 'dump.backup');
    const backup = await runCli('backup', '--out', file, '--format', 'dump', '--db', source.url());
    expect(backup).toMatchObject({ code: 0 });
    expect(statSync(file).mode & 0o077).toBe(0);
    const before = await digests(source.pool());
    const restored = await runCli('restore', file, '--db', target.url());
    expect(restored.stderr).not.toMatch(/error|warning/i);
    expect(restored.code).toBe(0);
    const reader = new pg.Pool({ connectionString: target.url(), max: 1 });
    try {
      expect(await digests(reader)).toEqual(before);
      expect(await rowsOf(reader, GRANTS_SQL)).toEqual(await rowsOf(source.pool(), GRANTS_SQL));
      expect(await rowsOf(reader, SETTINGS_SQL)).toEqual(await rowsOf(source.pool(), SETTINGS_SQL));
      if (engineName() === 'timescaledb') {
        const jobs = await rowsOf(source.pool(), JOBS_SQL);
        expect(jobs.length).toBeGreaterThan(0);
        expect(await rowsOf(reader, JOBS_SQL)).toEqual(jobs);
        for (const { job_id } of (
          await reader.query(
            'select job_id from timescaledb_information.jobs where hypertable_name is not null',
          )
        ).rows)
          await reader.query(`call run_job(${job_id})`);
      }
      expect(await runCli('migrate', '--db', target.url())).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('nothing to do'),
      });
      await expectWorking(reader, target.url());
    } finally {
      await reader.end();
    }
  },
  120_000,
);

it('rows alone bring back every row, into a schema made by this version', async () => {
  // A server that was made ready before.
  expect(await runCli('migrate', '--db', other.url())).toMatchObject({ code: 0 });
  const file = join(folder, 'rows.backup');
  expect(await runCli('backup', '--out', file, '--format', 'rows', '--db', source.url())).toMatchObject({
    code: 0,
  });
  const restored = await runCli('restore', file, '--db', other.url());
  expect(restored).toMatchObject({ code: 0 });
  const reader = new pg.Pool({ connectionString: other.url(), max: 1 });
  try {
    const [before, after] = [await digests(source.pool()), await digests(reader)];
    // When a schema was deployed is not a row of anybody's.
    for (const name of ['engine.migrations', 'engine.routine_sets']) {
      delete before[name];
      delete after[name];
    }
    expect(after).toEqual(before);
    await expectWorking(reader, other.url());
  } finally {
    await reader.end();
  }
}, 120_000);

it('overwrites nothing, and mixes nothing', async () => {
  const file = join(folder, 'mine');
  writeFileSync(file, 'mine');
  const backup = await runCli('backup', '--out', file, '--format', 'rows', '--db', source.url());
  expect(backup.code).toBe(1);
  expect(backup.stderr).toMatch(/is there already/);
  expect(readFileSync(file, 'utf8')).toBe('mine');
  const noBackup = await runCli('restore', file, '--db', source.url());
  expect(noBackup.stderr).toMatch(/is no backup of strikebase/);
  const rows = join(folder, 'rows.backup');
  const used = await runCli('restore', rows, '--db', source.url());
  expect(used.code).toBe(1);
  expect(used.stderr).toMatch(/database is not empty/);
});
