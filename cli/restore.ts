// strikebase restore: a backup into an empty database, all of it or nothing.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Command } from 'commander';
import type pg from 'pg';
import { addMs, parseEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { type OnStep, restoreDump } from '../db/backup/dump.ts';
import { restoreRows } from '../db/backup/rows.ts';
import { migrate } from '../db/migrate.ts';
import { refreshRollups } from '../ingest/rollups.ts';
import { type Database, withDatabase } from './database.ts';
import { interrupt } from './interrupt.ts';
import { withDb, withExamples } from './options.ts';
import { note, print, showProgress } from './terminal.ts';

interface RestoreOptions {
  readonly db?: string;
}

interface Restoring {
  readonly database: Database;
  readonly client: pg.Client;
  readonly path: string;
  readonly onStep: OnStep;
}

const MAGIC_BYTES = 5;

/** The subcommand. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Brings a file of `strikebase backup` into an empty database: rows, schema, policies, roles. A backup of TimescaleDB needs a ' +
        'server with the same TimescaleDB; one of `--format rows` goes into any engine. Passwords of readers are set by ' +
        '`strikebase migrate` afterwards.',
    )
    .argument('<file>', 'the backup');
  return withExamples(
    withDb(command),
    'restore 2026-11-21.backup --db postgres://owner@127.0.0.1/restored',
  ).action((file: string, options: RestoreOptions) =>
    withDatabase({ ...options, schema: 'any' }, (database) => restore(database, file)),
  );
}

async function restore(database: Database, file: string): Promise<void> {
  const began = performance.now();
  const path = resolve(file);
  const kind = await kindOf(path);
  const client = await database.connect('owner');
  await refuseUsed(client, database, kind);
  let progress: ReturnType<typeof showProgress> | null = null;
  const onStep: OnStep = (done, total, detail) => {
    progress ??= showProgress('restore', total);
    progress.update(done, detail);
  };
  try {
    if (kind === 'dump') await intoServer({ database, client, path, onStep });
    else await intoAny({ database, client, path, onStep });
  } finally {
    (progress as ReturnType<typeof showProgress> | null)?.end();
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  print(`${database.label}: ${file} is restored, in ${seconds} s\n`);
}

async function intoServer({ database, client, path, onStep }: Restoring): Promise<void> {
  await restoreDump(client, { url: database.url, file: path, onStep, signal: interrupt() });
  note('`strikebase migrate` sets the passwords of readers, and brings an older schema up to date');
}

async function intoAny({ database, client, path, onStep }: Restoring): Promise<void> {
  await migrate(database.url);
  const from = createReadStream(path).pipe(createGunzip());
  await restoreRows(client, { from, onStep, signal: interrupt() });
  const { rows } = await client.query<{ first: string | null; last: string | null }>(
    'select min(ts_event) as first, max(ts_event) as last from market.equity_ticks',
  );
  const [first, last] = [rows[0]?.first, rows[0]?.last].map((text) => parseEastern(text ?? ''));
  if (first == null || last == null) return;
  note('refreshing the bars');
  await refreshRollups(client, { from: first, to: addMs(last, 60_000) });
}

async function kindOf(path: string): Promise<'dump' | 'rows'> {
  const bytes = Buffer.alloc(MAGIC_BYTES);
  try {
    const file = await open(path, 'r');
    await file.read(bytes, 0, MAGIC_BYTES, 0).finally(() => file.close());
  } catch (error) {
    throw new Failure(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  if (bytes.toString('latin1') === 'PGDMP') return 'dump';
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'rows';
  throw new Failure(`${path} is no backup of strikebase`, {
    hint: 'Name a file that `strikebase backup` has written.',
  });
}

/** Nothing that is there may be mixed with a backup, or be lost to it. Rows also go into a schema that is new. */
async function refuseUsed(client: pg.ClientBase, database: Database, kind: 'dump' | 'rows'): Promise<void> {
  const { rows } = await client.query<{ tables: number; is_migrated: boolean }>(
    `select count(*)::integer as tables, to_regclass('market.option_quotes') is not null as is_migrated
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema|_timescaledb|timescaledb)'`,
  );
  if (rows[0]?.tables === 0) return;
  if (kind === 'rows' && rows[0]?.is_migrated) {
    const used = await client.query<{ is_used: boolean }>(
      `select exists (select from market.equity_ticks) or exists (select from market.option_quotes)
         or exists (select from market.daily_bars) or exists (select from trade.runs) as is_used`,
    );
    if (used.rows[0]?.is_used === false) return;
  }
  throw new Failure(`the database is not empty: ${database.label}`, {
    hint: 'Restore into a new one: createdb restored, then --db postgres://…/restored. For the embedded database set STRIKEBASE_DIR to a new folder.',
  });
}
