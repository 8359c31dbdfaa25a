// Brings a database to the current schema: migrations once, in order, frozen by hash; routines whenever their text changed.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { Failure } from '../core/failure.ts';
import { projectPath } from '../core/root.ts';

interface SqlFile {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

export interface MigrateOptions {
  /** Called with a line for every migration applied and once when routines are re-applied. */
  readonly onStep?: (text: string) => void;
}

const ROUTINE_SCHEMAS = ['ref', 'market', 'signal', 'trade', 'panel', 'ops'];
// Undefined function, table, column, type or schema: the routine needs one that a later file creates.
const UNDEFINED = new Set(['42883', '42P01', '42703', '42704', '3F000']);
// Other texts of a migration that databases have applied; a later migration brings both to the same.
const OTHER_TEXTS = new Map([
  ['0019_add_spreads.sql', 'f222b49992cecf9f32a4589d8fba2d050dc313a2735d4fc1fa58ce0fe3f09192'],
]);
const LOCK_KEY = 7_316_019_522;

async function readSqlFiles(...segments: readonly string[]): Promise<SqlFile[]> {
  const folder = projectPath('db', ...segments);
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8');
      return { name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

function combinedHash(files: readonly SqlFile[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.name}\0${file.sha256}\n`);
  return hash.digest('hex');
}

/** Hash of every migration, routine and engine file: recorded with each run. */
export async function schemaHash(): Promise<string> {
  return combinedHash([
    ...(await readSqlFiles('engine')),
    ...(await readSqlFiles('migrations')),
    ...(await readSqlFiles('routines')),
  ]);
}

/**
 * Applies pending migrations and changed routines, each in a transaction, under a lock: of two at once the second waits and
 * finds nothing to do. Throws Failure when an applied migration was edited, or when the database is newer than this code.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'strikebase migrate' });
  // Without a listener a connection that is cut would end the process with a stack trace.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK_KEY]);
    await prepareEngine(client);
    const isChanged = await applyMigrations(client, options);
    await applyRoutines(client, isChanged, options);
  } finally {
    await client.end();
  }
}

/** True when `migrate` would change something. */
export async function migrationPending(client: pg.ClientBase): Promise<boolean> {
  const known = await client.query("select to_regclass('engine.migrations') is not null as known");
  if (!known.rows[0].known) return true;
  const applied = await client.query('select name from engine.migrations');
  const files = await readSqlFiles('migrations');
  const routines = await client.query(
    'select sha256 from engine.routine_sets order by ts desc, sha256 limit 1',
  );
  const current = combinedHash([...(await readSqlFiles('engine')), ...(await readSqlFiles('routines'))]);
  return applied.rows.length !== files.length || routines.rows[0]?.sha256 !== current;
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function prepareEngine(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `select exists (select from pg_available_extensions where name = 'timescaledb')
        and current_setting('shared_preload_libraries') like '%timescaledb%' as is_preloaded`,
  );
  if (rows[0].is_preloaded) await client.query('create extension if not exists timescaledb');
  const { rows: extensions } = await client.query("select 1 from pg_extension where extname = 'timescaledb'");
  const variant = extensions.length > 0 ? 'timescaledb.sql' : 'plain.sql';
  const files = await readSqlFiles('engine');
  const texts = files.filter((file) => file.name === variant || file.name === 'common.sql');
  await inTransaction(client, async () => {
    await client.query(`
      create schema if not exists engine;
      create table if not exists engine.migrations (
        name text constraint migrations_pk primary key,
        sha256 text not null,
        ts timestamp not null default localtimestamp(0)
      );
      create table if not exists engine.routine_sets (
        sha256 text not null,
        ts timestamp not null default localtimestamp
      );
      comment on table engine.migrations is 'Migrations that were applied, frozen by hash. Written by migrate.';
      comment on column engine.migrations.name is 'File name.';
      comment on column engine.migrations.sha256 is 'Hash of the file when it was applied.';
      comment on column engine.migrations.ts is 'When it was applied, Eastern.';
      comment on table engine.routine_sets is 'Hashes of the routines that were deployed; the last one is current. Written by migrate.';
      comment on column engine.routine_sets.sha256 is 'Hash over all routine files.';
      comment on column engine.routine_sets.ts is 'When they were deployed, Eastern.';
    `);
    for (const file of texts.sort((a, b) => (a.name === variant ? -1 : 1) - (b.name === variant ? -1 : 1))) {
      await client.query(file.text);
    }
  });
}

async function applyMigrations(client: pg.Client, options: MigrateOptions): Promise<boolean> {
  const { rows } = await client.query<{ name: string; sha256: string }>(
    'select name, sha256 from engine.migrations',
  );
  const applied = new Map(rows.map((row) => [row.name, row.sha256]));
  const files = await readSqlFiles('migrations');
  checkFrozen(applied, files);
  const pending = files.filter((file) => !applied.has(file.name));
  for (const file of pending) {
    await inTransaction(client, async () => {
      await runSql(client, file);
      await client.query('insert into engine.migrations (name, sha256) values ($1, $2)', [
        file.name,
        file.sha256,
      ]);
    });
    options.onStep?.(`migration ${file.name}`);
  }
  return pending.length > 0;
}

function checkFrozen(applied: ReadonlyMap<string, string>, files: readonly SqlFile[]): void {
  const names = new Set(files.map((file) => file.name));
  const unknown = [...applied.keys()].filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new Failure(`the database has migrations that this version does not know: ${unknown.join(', ')}`, {
      hint: 'It was migrated by a newer strikebase. Update this checkout, or point DATABASE_URL at another database.',
    });
  }
  const edited = files.filter(({ name, sha256 }) => {
    const text = applied.get(name) ?? sha256;
    return text !== sha256 && text !== OTHER_TEXTS.get(name);
  });
  if (edited.length > 0) {
    throw new Failure(
      `migrations were edited after they had been applied: ${edited.map((f) => f.name).join(', ')}`,
      {
        hint: 'Migrations are frozen: restore the file and write a new one with the change.',
      },
    );
  }
}

async function runSql(client: pg.Client, file: SqlFile): Promise<void> {
  try {
    await client.query(file.text);
  } catch (error) {
    throw new Error(`${file.name}: ${(error as Error).message}`, { cause: error });
  }
}

/** All views and functions of our schemas are dropped and created again in one transaction, so the files are the only truth. */
async function applyRoutines(client: pg.Client, force: boolean, options: MigrateOptions): Promise<void> {
  const files = await readSqlFiles('routines');
  const sha256 = combinedHash([...(await readSqlFiles('engine')), ...files]);
  const { rows } = await client.query('select sha256 from engine.routine_sets order by ts desc limit 1');
  if (!force && rows[0]?.sha256 === sha256) return;
  await inTransaction(client, async () => {
    await client.query('set local check_function_bodies = off');
    await client.query("set local client_min_messages = 'warning'");
    // For routines that say `set plan_cache_mode from current`.
    await client.query("select set_config('plan_cache_mode', engine.range_plans(), true)");
    await dropRoutines(client);
    await createInAnyOrder(client, files);
    await client.query('insert into engine.routine_sets (sha256) values ($1)', [sha256]);
  });
  options.onStep?.(`${files.length} routines`);
}

async function dropRoutines(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ command: string }>(
    `select format('drop view if exists %I.%I cascade', schemaname, viewname) as command
       from pg_views
      where schemaname = any ($1) and not (schemaname = 'market' and viewname like 'bars\\_%')
     union all
     select format('drop %s if exists %s cascade',
              case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, p.oid::regprocedure)
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = any ($1)`,
    [ROUTINE_SCHEMAS],
  );
  for (const row of rows) await client.query(row.command);
}

/** Files may need each other (views on views): one that misses another waits for the next round. */
async function createInAnyOrder(client: pg.Client, files: readonly SqlFile[]): Promise<void> {
  let waiting = files;
  while (waiting.length > 0) {
    const missed: { file: SqlFile; error: unknown }[] = [];
    for (const file of waiting) {
      await client.query('savepoint routine');
      try {
        await runSql(client, file);
        await client.query('release savepoint routine');
      } catch (error) {
        const code = (error as Error & { cause?: { code?: string } }).cause?.code ?? '';
        if (!UNDEFINED.has(code)) throw error;
        await client.query('rollback to savepoint routine');
        missed.push({ file, error });
      }
    }
    if (missed.length === waiting.length) throw missed[0]?.error;
    waiting = missed.map((each) => each.file);
  }
}
