// A backup of rows alone, as COPY text: it needs no program of PostgreSQL's and goes from one engine to the other. The schema is
// that of the migrations, which must be the same on both sides.
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { Failure } from '../../core/failure.ts';
import { inTransaction } from '../pool.ts';
import { blockReader } from './blocks.ts';
import type { OnStep } from './dump.ts';

interface Table {
  /** Qualified and quoted. */
  readonly name: string;
  /** Quoted, without those that are computed. */
  readonly columns: readonly string[];
}

interface Header {
  readonly format: string;
  readonly migrations: Readonly<Record<string, string>>;
  readonly tables: number;
}

const FORMAT = 'strikebase rows 1';
const SCHEMAS = ['ref', 'market', 'signal', 'trade', 'ops'];
// Partitions and chunks are read through their parents.
const TABLES_SQL = `
  select format('%I.%I', n.nspname, c.relname) as name,
    (select array_agg(quote_ident(a.attname) order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any ($1) and c.relkind in ('r', 'p') and not c.relispartition
  order by 1`;
const SEQUENCES_SQL = `
  select format('select setval(%L, greatest((select max(%I) from %s), 1))', s.sequence, s.column_name, s.relation) as command
  from (
    select pg_get_serial_sequence(c.oid::regclass::text, a.attname) as sequence, a.attname as column_name, c.oid::regclass as relation
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = any ($1) and c.relkind in ('r', 'p') and not c.relispartition
  ) as s
  where s.sequence is not null`;

/** Writes every row to `to`, as of one snapshot. The connection is the owner's and in no transaction. */
export async function dumpRows(
  client: pg.Client,
  { to, onStep, signal }: { readonly to: Writable; readonly onStep: OnStep; readonly signal: AbortSignal },
): Promise<void> {
  await inTransaction(
    client,
    async () => {
      const tables = await tablesOf(client);
      const header: Header = {
        format: FORMAT,
        migrations: await migrationsOf(client),
        tables: tables.length,
      };
      await write(to, `${JSON.stringify(header)}\n`);
      for (const [index, { name, columns }] of tables.entries()) {
        signal.throwIfAborted();
        onStep(index, tables.length, name);
        await write(to, `${JSON.stringify({ name, columns })}\n`);
        // Of a hypertable COPY itself would read nothing.
        const copy = client.query(copyTo(`copy (select ${columns.join(', ')} from ${name}) to stdout`));
        // Not a pipeline: each would leave its listeners on `to`.
        for await (const chunk of copy) await write(to, chunk as Buffer);
        await write(to, `\\.\n${copy.rowCount}\n`);
      }
    },
    'repeatable read',
  );
}

/** Replaces all rows of a migrated database by those of a backup, in one transaction. Throws a Failure where the schemas differ. */
export async function restoreRows(
  client: pg.Client,
  {
    from,
    onStep,
    signal,
  }: { readonly from: Readable; readonly onStep: OnStep; readonly signal: AbortSignal },
): Promise<void> {
  const { rows } = await client.query<{ rolsuper: boolean }>(
    'select rolsuper from pg_catalog.pg_roles where rolname = current_user',
  );
  if (rows[0]?.rolsuper !== true) {
    throw new Failure(
      'rows are restored by a superuser of the server: their checks and keys wait until all are there',
      {
        hint: 'Name one in --db, such as postgres://postgres:…@host/name; the tables keep their owner.',
      },
    );
  }
  const blocks = blockReader(from);
  const header = headerOf(await blocks.line());
  await checkMigrations(client, header);
  const own = new Set((await tablesOf(client)).map((table) => table.name));
  await inTransaction(client, async () => {
    // What was once allowed is not judged again, row by row and in another order.
    await client.query('set local session_replication_role = replica');
    await client.query(`truncate ${[...own].join(', ')}`);
    for (let done = 0; ; done += 1) {
      const line = await blocks.line();
      if (line === null) {
        if (done < header.tables)
          throw new Failure('the backup ends too early', { hint: 'The file was cut.' });
        break;
      }
      const table = JSON.parse(line) as Table;
      if (!own.has(table.name)) throw new Failure(`the backup has an unknown table ${table.name}`);
      onStep(done, header.tables, table.name);
      signal.throwIfAborted();
      const copy = client.query(copyFrom(`copy ${table.name} (${table.columns.join(', ')}) from stdin`));
      await pipeline(blocks.data(), copy, { signal });
      const counted = await blocks.line();
      if (Number(counted) !== copy.rowCount) {
        throw new Failure(`${table.name}: ${copy.rowCount} rows came in, ${counted} were written`);
      }
    }
    for (const { command } of (await client.query<{ command: string }>(SEQUENCES_SQL, [SCHEMAS])).rows) {
      await client.query(command);
    }
  });
  await client.query('analyze');
}

async function write(to: Writable, bytes: string | Buffer): Promise<void> {
  if (!to.write(bytes)) await once(to, 'drain');
}

async function tablesOf(client: pg.ClientBase): Promise<readonly Table[]> {
  return (await client.query<{ name: string; columns: string[] }>(TABLES_SQL, [SCHEMAS])).rows;
}

async function migrationsOf(client: pg.ClientBase): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; sha256: string }>(
    'select name, sha256 from engine.migrations order by name',
  );
  return Object.fromEntries(rows.map((row) => [row.name, row.sha256]));
}

function headerOf(line: string | null): Header {
  try {
    const header = JSON.parse(line ?? '') as Header;
    if (header.format === FORMAT) return header;
  } catch {
    // Said below.
  }
  throw new Failure('this is no backup of strikebase', {
    hint: 'Name a file that `strikebase backup` has written.',
  });
}

async function checkMigrations(client: pg.ClientBase, { migrations }: Header): Promise<void> {
  const own = await migrationsOf(client);
  const names = [...new Set([...Object.keys(own), ...Object.keys(migrations)])];
  const different = names.filter((name) => own[name] !== migrations[name]).sort();
  if (different.length === 0) return;
  throw new Failure(`the backup and this database have other migrations: ${different.join(', ')}`, {
    hint: 'Restore with the version of strikebase that wrote the backup, then update it.',
  });
}
