// strikebase sql: one query, read-only.
import { Command } from 'commander';
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples, withFormat } from './options.ts';
import { type Format, printRows } from './output.ts';
import { nearest } from './suggest.ts';

interface SqlOptions {
  readonly db?: string;
  readonly format: Format;
  readonly all: boolean;
}

const PERMISSION_DENIED = '42501';
const NO_SUCH_TABLE = '42P01';
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

/** The `sql` subcommand. */
export function sqlCommand(): Command {
  const command = new Command('sql')
    .description(
      'Runs one query in a read-only transaction: on schema panel, as Grafana does, or with --all on everything.',
    )
    .argument('<query>', 'one SQL statement')
    .option('--all', 'read every schema, not panel alone', false)
    .action(runQuery);
  return withExamples(
    withDb(withFormat(command)),
    'sql "select * from panel.lineage(1)"',
    'sql --all "select count(*) from market.option_quotes"',
  );
}

async function runQuery(text: string, options: SqlOptions): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connectReader(options.all ? 'owner' : 'grafana_reader');
    await client.query('begin read only');
    try {
      const result = await readOnly(client, text);
      const columns = result.fields.map((field) => ({ name: field.name, oid: field.dataTypeID }));
      printRows(columns, result.rows, { format: options.format });
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === NO_SUCH_TABLE) throw await noSuchView(client, error as Error);
      if (code !== PERMISSION_DENIED || options.all) throw error;
      throw new Failure(`only schema panel is open to this command: ${(error as Error).message}`, {
        hint: '--all reads everything, still without writing.',
      });
    } finally {
      await client.query('rollback').catch(() => undefined);
    }
  });
}

/** The server's error, with the view of schema panel that may have been meant. */
async function noSuchView(client: pg.Client, error: Error): Promise<Failure> {
  await client.query('rollback');
  const { rows } = await client.query<{ name: string }>(
    "select relname::text as name from pg_class where relnamespace = 'panel'::regnamespace and relkind in ('v', 'm', 'r')",
  );
  const word = /"(?:panel\.)?([^"]+)"/.exec(error.message)?.[1] ?? '';
  const meant = nearest(
    word,
    rows.map(({ name }) => name),
  );
  const hint =
    meant === null
      ? 'docs/data-dictionary.md lists the views of schema panel.'
      : `Did you mean panel.${meant}?`;
  return new Failure(error.message, { hint });
}

function readOnly(client: pg.Client, text: string): Promise<pg.QueryArrayResult<(string | null)[]>> {
  // The extended protocol takes one statement only: a second one could end the transaction that keeps this from writing.
  const query = { text, rowMode: 'array' as const, types: AS_TEXT, queryMode: 'extended' };
  return client.query<(string | null)[]>(query);
}
