// strikebase export: a view or a query as a file for pandas, Polars, DuckDB or a spreadsheet.
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import { withDatabase } from './database.ts';
import { type ExportColumn, exportRows } from './export_rows.ts';
import { trainingQuery } from './export_training.ts';
import { interrupt } from './interrupt.ts';
import { parseRun, type RangeOptions, rangeText, withDb, withExamples, withRange } from './options.ts';
import { chooseRun } from './run_choice.ts';
import { nearest } from './suggest.ts';
import { note, print, showProgress } from './terminal.ts';

interface ExportOptions extends RangeOptions {
  readonly db?: string;
  readonly run?: string;
  readonly strategy?: string;
  readonly format?: 'parquet' | 'csv';
  readonly out: string;
  readonly all: boolean;
}

// What --from and --to mean, best first: a bar belongs to the time at which it opens.
const TIME_COLUMNS = ['ts_open', 'ts_event', 'ts', 'ts_entry', 'session_date', 'bar_date', 'ts_from'];
const TRAINING = 'training';
const PERMISSION_DENIED = '42501';

/** The `export` subcommand. */
export function exportCommand(): Command {
  const format = new Option('--format <format>', 'of the file (default: by its name, else parquet)').choices([
    'parquet',
    'csv',
  ]);
  const command = new Command('export')
    .description(
      'Writes a view of schema panel, or the rows of a query, to a Parquet or CSV file. Times are Eastern, without a zone, as ' +
        'they are stored; decimals stay decimals. `training` is a run’s features, decisions and outcomes in one table: a row for every ' +
        'entry that was considered.',
    )
    .argument(
      '<what>',
      'a view (daily_pl, round_trips …), a table with its schema, one SQL query, or training',
    )
    .addOption(format)
    .requiredOption('--out <file>', 'file to write')
    .option(
      '--run <id>',
      'rows of this run: an id, latest, latest-1 … (default: all; training: latest)',
      parseRun,
    )
    .option('--strategy <name>', 'training: of the latest run of this strategy')
    .option('--all', 'read every schema, not panel alone', false)
    .action(runExport);
  return withExamples(
    withDb(withRange(command)),
    'export round_trips --run latest --out trades.parquet',
    'export bars_1m --from 2026-01-02 --to 2026-01-30 --out january.csv',
    'export --all market.option_quotes --from 2026-01-02 --to 2026-01-02 --out quotes.parquet',
    'export training --strategy vwap_ma9 --out training.parquet',
    'export "select session_date, net from panel.daily_pl" --out pl.parquet',
  );
}

async function runExport(what: string, options: ExportOptions): Promise<void> {
  const isTraining = what === TRAINING;
  if (options.strategy !== undefined && !isTraining) {
    throw new Failure('--strategy goes with `export training`', {
      hint: 'Name a run instead: --run ID; `strikebase runs list` shows them.',
      exitCode: 2,
    });
  }
  await withDatabase(options, async (database) => {
    const reader = isTraining ? 'job_runner' : 'grafana_reader';
    const client = await database.connectReader(options.all ? 'owner' : reader);
    const isOfRun = options.run !== undefined || isTraining;
    const run = isOfRun ? (await chooseRun(client, options)).runId : null;
    await client.query('begin isolation level repeatable read read only');
    try {
      const inner = isTraining ? await trainingQuery(client, run ?? 0) : await selectOf(client, what);
      const query = narrowed(inner, await describe(client, inner, options), { run, options });
      const columns = await describe(client, query, options);
      const path = resolve(options.out);
      const progress = showProgress('export', await estimate(client, query));
      const onRows = (rows: number): void => progress.update(rows, `${rows.toLocaleString('en-US')} rows`);
      const format = options.format ?? (/\.csv$/i.test(path) ? 'csv' : 'parquet');
      const request = { query, columns, format, path, signal: interrupt(), onRows };
      const rows = await exportRows(client, request).finally(() => progress.end());
      note(`${rows.toLocaleString('en-US')} rows, ${columns.length} columns`);
      print(`${path}\n`);
    } finally {
      await client.query('rollback').catch(() => undefined);
    }
  });
}

async function selectOf(client: pg.ClientBase, what: string): Promise<string> {
  if (!isName(what)) return what.replace(/;\s*$/, '');
  if (qualified(what).startsWith('panel.')) await refuseUnknownView(client, what);
  return `select * from ${qualified(what)}`;
}

function isName(what: string): boolean {
  return /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i.test(what);
}

// What the commands call it, and what the view is called.
const OTHER_NAMES: Readonly<Record<string, string>> = {
  trades: 'round_trips',
  pl: 'daily_pl',
  bars: 'bars_1m',
  quotes: 'option_quotes',
};

async function refuseUnknownView(client: pg.ClientBase, what: string): Promise<void> {
  const { rows } = await client.query<{ is_there: boolean; views: string[] }>(
    `select to_regclass($1) is not null as is_there,
       (select array_agg(c.relname::text order by c.relname) from pg_class c
        where c.relnamespace = 'panel'::regnamespace and c.relkind in ('v', 'm', 'r')) as views`,
    [qualified(what)],
  );
  const [{ is_there: isThere, views } = { is_there: true, views: [] }] = rows;
  if (isThere) return;
  const word = what.replace(/^panel\./, '');
  const meant = OTHER_NAMES[word] ?? nearest(word, views);
  throw new Failure(`there is no view ${qualified(what)}`, {
    hint: meant === null ? `There are ${views.join(', ')}.` : `Did you mean ${meant}?`,
    exitCode: 2,
  });
}

function qualified(name: string): string {
  return name.includes('.') ? name : `panel.${name}`;
}

/** The columns of a query. The extended protocol takes one statement only, so that what passes here can stand in brackets. */
async function describe(client: pg.Client, query: string, options: ExportOptions): Promise<ExportColumn[]> {
  const config = { text: `select * from (${query}\n) as rows limit 0`, queryMode: 'extended' };
  try {
    const { fields } = await client.query(config);
    const values = [fields.map((field) => field.dataTypeID), fields.map((field) => field.dataTypeModifier)];
    const { rows } = await client.query<{ type: string }>(
      'select format_type(oid, modifier) as type from unnest($1::oid[], $2::integer[]) with ordinality as t (oid, modifier, nr) order by nr',
      values,
    );
    return fields.map(({ name }, i) => ({ name, type: rows[i]?.type ?? 'text' }));
  } catch (error) {
    if ((error as { code?: string }).code !== PERMISSION_DENIED || options.all) throw error;
    throw new Failure(`only schema panel is open to this command: ${(error as Error).message}`, {
      hint: '--all reads everything, still without writing.',
    });
  }
}

function narrowed(
  query: string,
  columns: readonly ExportColumn[],
  { run, options }: { readonly run: number | null; readonly options: ExportOptions },
): string {
  const names = columns.map(({ name }) => name);
  const conditions: string[] = [];
  if (run !== null) {
    if (!names.includes('run_id')) throw missing('--run', 'run_id');
    conditions.push(`rows.run_id = ${run}`);
  }
  if (options.from !== undefined || options.to !== undefined) {
    const time = TIME_COLUMNS.find((name) => names.includes(name));
    if (time === undefined) throw missing('--from and --to', TIME_COLUMNS.join(', '));
    const { from, to } = rangeText(options);
    conditions.push(`rows.${time} >= timestamp '${from}' and rows.${time} < timestamp '${to}'`);
  }
  return conditions.length === 0
    ? query
    : `select * from (${query}\n) as rows where ${conditions.join(' and ')}`;
}

function missing(option: string, column: string): Failure {
  return new Failure(`${option} needs a column to look at, and there is no ${column}`, {
    hint: 'Leave it out, or put the condition into the query itself.',
    exitCode: 2,
  });
}

async function estimate(client: pg.Client, query: string): Promise<number> {
  const { rows } = await client.query<{
    'QUERY PLAN': readonly { readonly Plan: { readonly 'Plan Rows': number } }[];
  }>(`explain (format json) ${query}`);
  return rows[0]?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0;
}
