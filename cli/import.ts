// strikebase import: recorded files into the database, each whole or not at all.
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type pg from 'pg';
import { type EasternUs, easternFromEpochMs, parseEastern } from '../core/eastern_time.ts';
import type { Finding, ImportFormat, SessionLookup } from '../ingest/files/index.ts';
import { importFormats, openImport } from '../ingest/files/index.ts';
import { type ImportResult, importFile, loadSessions } from '../ingest/import.ts';
import { withDatabase } from './database.ts';
import { explainError } from './errors.ts';
import { importMassiveCommand } from './import_massive.ts';
import { interrupt } from './interrupt.ts';
import { withDb, withExamples } from './options.ts';
import { type OutputColumn, printRows } from './output.ts';
import { note, showProgress } from './terminal.ts';

interface ImportOptions {
  readonly db?: string;
  readonly format?: ImportFormat;
  readonly symbol?: string;
  readonly tz?: string;
  readonly feed?: string;
  readonly at?: EasternUs;
  readonly force: boolean;
  readonly rejectRows: boolean;
}

interface Outcome {
  readonly path: string;
  readonly result: ImportResult | null;
}

const TEXT = 25;
const BIGINT = 20;

/** The `import` subcommand. */
export function importCommand(): Command {
  const command = new Command('import')
    .description(
      'Takes recorded market data into the database. Each file is one transaction: an error or Ctrl-C leaves nothing of it, and importing it again changes nothing.',
    )
    .argument('<files...>', 'files: CSV, csv.gz or LEAN zip')
    .addOption(new Option('--format <format>', 'format (default: told by the header)').choices(importFormats))
    .option('--symbol <symbol>', 'whose bars they are; for other formats only this symbol is taken')
    .option('--tz <zone>', 'zone of naive bar timestamps, e.g. America/Chicago (default: Eastern)')
    .option('--feed <name>', 'feed to import into (default: by format and bar length)')
    .option('--at <time>', 'instant of a Yahoo chain, Eastern', parseInstant)
    .option('--force', 'take a file whose clock does not fit the exchange calendar', false)
    .option('--reject-rows', 'keep faulty rows in market.rejected_rows and take the rest', false)
    .enablePositionalOptions()
    .addCommand(importMassiveCommand())
    .action(importFiles);
  return withExamples(
    withDb(command),
    'import QQQ_1min.csv --symbol QQQ',
    'import VIX_History.csv --format vix',
    'import us_options/*.csv.gz --format massive --symbol QQQ',
    'import massive --symbol QQQ --from 2026-01-05 --to 2026-01-09 --options',
  );
}

function parseInstant(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new InvalidArgumentError('Write "YYYY-MM-DD HH:MM:SS", Eastern.');
  return us;
}

async function importFiles(files: readonly string[], options: ImportOptions): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connect('owner');
    const sessions = await loadSessions(client);
    const outcomes: Outcome[] = [];
    for (const path of files) {
      if (interrupt().aborted) break;
      outcomes.push({ path, result: await importOne(client, path, { ...options, sessions }) });
    }
    // The faults of a file alone stand above; a table of it would say nothing.
    if (outcomes.length !== 1 || outcomes[0]?.result !== null) printSummary(outcomes);
    if (outcomes.some(({ result }) => result === null)) process.exitCode = 1;
    if (interrupt().aborted) process.exitCode = 130;
  });
}

async function importOne(
  client: pg.Client,
  path: string,
  options: ImportOptions & { readonly sessions: SessionLookup },
): Promise<ImportResult | null> {
  const began = performance.now();
  const tsRecv = easternFromEpochMs(Date.now());
  try {
    const file = await openImport(path, { ...options, tsRecv });
    const progress = showProgress(basename(path).slice(0, 28), file.totalBytes);
    const { sessions, force, rejectRows } = options;
    try {
      return await importFile(client, file, {
        tsRecv,
        sessions,
        force,
        rejectRows,
        signal: interrupt(),
        onProgress: ({ bytes, rows }) => progress.update(bytes, `${rows} rows, ${rate(rows, began)} rows/s`),
        onFindings: (findings) => noteFindings(path, findings),
      });
    } finally {
      progress.end();
    }
  } catch (error) {
    // The other files are none the worse for it.
    for (const line of explainError(error).lines) note(line);
    return null;
  }
}

function rate(rows: number, began: number): number {
  return Math.round(rows / Math.max((performance.now() - began) / 1000, 0.001));
}

function noteFindings(path: string, findings: readonly Finding[]): void {
  for (const { severity, text } of findings) {
    note(`${basename(path)}: ${severity === 'info' ? '' : `${severity}: `}${text}`);
  }
}

function printSummary(outcomes: readonly Outcome[]): void {
  const columns: readonly OutputColumn[] = [
    { name: 'in', oid: BIGINT },
    { name: 'duplicate', oid: BIGINT },
    { name: 'rejected', oid: BIGINT },
    { name: 'feed', oid: TEXT },
    { name: 'file', oid: TEXT },
  ];
  const rows = outcomes.map(({ path, result }) =>
    result === null
      ? [null, null, null, 'failed', basename(path)]
      : [
          ...[result.inserted, result.duplicate, result.rejected].map(String),
          result.feed.name,
          basename(path),
        ],
  );
  printRows(columns, rows, { format: 'table', footer: ['', total(outcomes)] });
}

function total(outcomes: readonly Outcome[]): string {
  const results = outcomes.flatMap(({ result }) => result ?? []);
  const sum = (of: (result: ImportResult) => number): number =>
    results.reduce((all, each) => all + of(each), 0);
  const failed = outcomes.length - results.length;
  const counts = `${sum((r) => r.inserted)} in, ${sum((r) => r.duplicate)} duplicate, ${sum((r) => r.rejected)} rejected`;
  return failed === 0
    ? counts
    : `${counts}; ${failed} of ${outcomes.length} files failed, nothing of them was kept`;
}
