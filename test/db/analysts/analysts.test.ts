// What analysts are given: the cookbook, exported files, a read-only user, a report; all of it on one seeded database.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectPath } from '../../../core/root.ts';
import { scramVerifier, setAnalystPassword } from '../../../db/analyst.ts';
import { dataDictionary } from '../../../db/data_dictionary.ts';
import { connect } from '../../../db/pool.ts';
import { readReport } from '../../../report/read.ts';
import { runCli } from '../../cli/capture.ts';
import { useDatabase } from '../../harness.ts';
import { seedRecorded } from '../grafana/seed.ts';

const database = useDatabase();
const PASSWORD = "it's a `long` pass\\word";
let folder = '';
let runId = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-analysts-'));
  runId = (await seedRecorded(database)).backtestId;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function asAnalyst(password: string): pg.Client {
  const url = new URL(database.url());
  url.username = 'analyst';
  url.password = encodeURIComponent(password);
  return new pg.Client({ connectionString: url.href });
}

async function value<T>(text: string): Promise<T> {
  const { rows } = await database.pool().query(text);
  return Object.values(rows[0] ?? {})[0] as T;
}

it('docs/data-dictionary.md is what the comments say (else: npm run schema)', async () => {
  const client = await connect({ url: database.url(), role: 'owner', name: 'test' });
  const text = await dataDictionary(client).finally(() => client.end());
  expect(text).toBe(readFileSync(projectPath('docs', 'data-dictionary.md'), 'utf8'));
});

describe('the cookbook', () => {
  const text = readFileSync(projectPath('docs', 'cookbook.md'), 'utf8');
  const recipes = [...text.matchAll(/^## (.+)$(?:(?!^## )[\s\S])*?```sql\n([\s\S]*?)```/gm)].map(
    ([, title = '', query = '']) => ({
      title,
      query,
    }),
  );

  it('has fifteen questions, each with its query', () => {
    expect(recipes).toHaveLength(15);
    expect(text.match(/```sql/g)).toHaveLength(15);
    expect(recipes.map(({ title }) => Number.parseInt(title, 10))).toEqual(recipes.map((_, n) => n + 1));
  });

  it.each(recipes)('$title', async ({ query }) => {
    const client = await connect({ url: database.url(), role: 'grafana_reader', name: 'test' });
    try {
      await client.query('set default_transaction_read_only = on');
      const { rows } = await client.query(query);
      expect(rows.length).toBeGreaterThan(0);
    } finally {
      await client.end();
    }
  });
});

describe('the user analyst', () => {
  beforeAll(async () => {
    const owner = await connect({ url: database.url(), role: 'owner', name: 'test' });
    await setAnalystPassword(owner, PASSWORD).finally(() => owner.end());
  });

  it('logs in with its password, reads schema panel, and nothing else', async () => {
    const client = asAnalyst(PASSWORD);
    await client.connect();
    try {
      expect((await client.query('select 1 from panel.daily_pl')).rows.length).toBeGreaterThan(0);
      for (const query of [
        'select 1 from market.equity_ticks',
        'select 1 from trade.fills',
        "insert into trade.controls (halted, reason) values (true, '')",
        'create table panel.own (n integer)',
        'set role job_runner',
      ]) {
        await expect(client.query(query), query).rejects.toThrow();
      }
      // Not even where it switches its own setting off.
      await client.query('set default_transaction_read_only = off');
      await expect(client.query('create temporary table own (n integer)')).rejects.toThrow(
        /permission denied/,
      );
    } finally {
      await client.end();
    }
  });

  it('is refused with another password', async () => {
    const client = asAnalyst('another');
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
  });

  it('has a verifier as RFC 7677 computes it', () => {
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    expect(scramVerifier('pencil', salt)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });
});

describe('export', () => {
  async function exported(...argv: readonly string[]): Promise<{ code: number; stderr: string }> {
    const { code, stderr } = await runCli('export', ...argv, '--db', database.url());
    return { code, stderr };
  }

  async function duck(query: string): Promise<Record<string, unknown>[]> {
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(query);
    const rows = reader.getRowObjectsJson();
    connection.closeSync();
    instance.closeSync();
    return rows as Record<string, unknown>[];
  }

  it('writes the rows of a view to Parquet, with times as they are stored and exact decimals', async () => {
    const out = join(folder, "it's trips.parquet");
    expect(await exported('round_trips', '--run', String(runId), '--out', out)).toMatchObject({ code: 0 });
    const file = `'${out.replaceAll("'", "''")}'`;
    const [totals] = await duck(
      `select count(*)::integer as n, sum(net)::varchar as net, min(ts_entry)::varchar as first from ${file}`,
    );
    const expected = await database
      .pool()
      .query(
        `select count(*)::integer as n, sum(net)::text as net, min(ts_entry)::text as first from panel.round_trips where run_id = $1`,
        [runId],
      );
    expect(totals).toEqual(expected.rows[0]);
    expect(totals?.n).toBeGreaterThan(0);
    const types = await duck(
      `select column_name, column_type from (describe select ts_entry, session_date, net, qty, contract from ${file})`,
    );
    expect(types.map(({ column_type }) => column_type)).toEqual([
      'TIMESTAMP',
      'DATE',
      'DECIMAL(16,4)',
      'BIGINT',
      'VARCHAR',
    ]);
  });

  it('writes what SQL writes: empty texts, nulls, commas, line feeds, booleans, microseconds', async () => {
    const query = `select * from (values
      (1, 'a,"b"' || chr(10) || 'c', true, timestamp '2026-06-17 09:30:00.000001', 0.10::numeric(8, 2), 1.230, jsonb '{"k": 1}'),
      (2, '', false, null, null::numeric(8, 2), null, null),
      (3, null, null, '2026-11-01 01:30:00', (-1)::numeric(8, 2), 1e-7, null)) as v (n, words, flag, ts, px, mean, doc)`;
    const out = join(folder, 'words.parquet');
    expect(await exported(query, '--out', out)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('3 rows, 7 columns'),
    });
    expect(
      await duck(
        `select n, words, flag, ts::varchar as ts, px::varchar as px, mean, doc from '${out}' order by n`,
      ),
    ).toEqual([
      {
        n: 1,
        words: 'a,"b"\nc',
        flag: true,
        ts: '2026-06-17 09:30:00.000001',
        px: '0.10',
        mean: 1.23,
        doc: '{"k": 1}',
      },
      { n: 2, words: '', flag: false, ts: null, px: null, mean: null, doc: null },
      { n: 3, words: null, flag: null, ts: '2026-11-01 01:30:00', px: '-1.00', mean: 1e-7, doc: null },
    ]);
    const csv = join(folder, 'words.csv');
    await exported(query, '--format', 'csv', '--out', csv);
    expect(readFileSync(csv, 'utf8')).toBe(
      'n,words,flag,ts,px,mean,doc\n1,"a,""b""\nc",true,2026-06-17 09:30:00.000001,0.10,1.230,"{""k"": 1}"\n2,"",false,,,,\n3,,,2026-11-01 01:30:00,-1.00,0.0000001,\n',
    );
  });

  it('keeps to a range, by the column that says when', async () => {
    const out = join(folder, 'bars.parquet');
    await exported('bars_1m', '--from', '2025-10-07', '--to', '2025-10-07', '--out', out);
    expect(
      await duck(
        `select count(*)::integer as n, min(ts_open)::varchar as first from '${out}' where symbol = 'QQQ'`,
      ),
    ).toEqual([{ n: 390, first: '2025-10-07 09:30:00' }]);
  });

  it('reads schema panel alone, unless told otherwise', async () => {
    const out = join(folder, 'none.parquet');
    expect(await exported('market.equity_ticks', '--out', out)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--all/),
    });
    expect(await exported('--all', 'market.equity_ticks', '--out', out)).toMatchObject({ code: 0 });
  });

  it.each([
    [1, 'select 1 as n; drop schema panel cascade', /multiple commands|syntax error/],
    [1, 'select 1 as n) to stdout; select (2', /syntax error|multiple|must have an alias/],
    [1, 'select pg_terminate_backend(0), n from (delete from trade.runs returning 1 as n) x', /syntax error/],
    [2, 'trades', /Did you mean round_trips/],
  ])('exits %i for %j and leaves nothing behind', async (wanted, query, text) => {
    const out = join(folder, 'refused.parquet');
    const { code, stderr } = await exported(query, '--out', out);
    expect(code).toBe(wanted);
    expect(stderr).toMatch(text);
    expect(await value<number>("select count(*)::integer from pg_namespace where nspname = 'panel'")).toBe(1);
    expect(() => readFileSync(out)).toThrow(/ENOENT/);
  });

  it('says what to do where the file cannot be written, and where there is nothing to narrow', async () => {
    expect(await exported('daily_pl', '--out', join(folder, 'no', 'such', 'folder.parquet'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/was not written: ENOENT[\s\S]*may it be written/),
    });
    expect(
      await exported('select 1 as n', '--run', 'latest', '--out', join(folder, 'x.parquet')),
    ).toMatchObject({ code: 2 });
  });
});

describe('the report', () => {
  it('is written of a run, with the figures that panel has', async () => {
    const out = join(folder, 'report.html');
    const { code, stdout, stderr } = await runCli(
      'report',
      '--run',
      String(runId),
      '--out',
      out,
      '--db',
      database.url(),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${out}\n` });
    expect(stderr).toMatch(/open it in a browser: file:\/\//);
    const page = readFileSync(out, 'utf8');
    expect(page).toMatch(/modelled quotes/);
    const client = await connect({ url: database.url(), role: 'grafana_reader', name: 'test' });
    const data = await readReport(client, runId).finally(() => client.end());
    const [expected] = (
      await database
        .pool()
        .query(
          'select count(*)::integer as n, sum(net)::float8 as net from panel.round_trips where run_id = $1',
          [runId],
        )
    ).rows;
    expect(data.trips).toHaveLength(expected.n);
    expect(data.trips.reduce((sum, { net }) => sum + net, 0)).toBeCloseTo(expected.net, 6);
    expect(data.days.reduce((sum, { net }) => sum + net, 0)).toBeCloseTo(expected.net, 6);
    expect(data.prices.map(({ ts }) => ts.length)).toEqual([390, 390]);
    expect(data.decisions.reduce((sum, { kind, count }) => sum + (kind === 'entry' ? count : 0), 0)).toBe(
      780,
    );
  });

  it('is of one run, of one that there is', async () => {
    for (const run of ['all', '999']) {
      const { stderr } = await runCli(
        'report',
        '--run',
        run,
        '--out',
        join(folder, 'x.html'),
        '--db',
        database.url(),
      );
      expect(stderr).toMatch(/about one run|no run 999/);
    }
  });
});
