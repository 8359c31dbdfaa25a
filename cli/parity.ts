// strikebase parity: two runs compared row by row.
import { Command } from 'commander';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { compareRuns, describeDifference, type ParityReport, recordParity } from '../jobs/parity.ts';
import { withDatabase } from './database.ts';
import {
  parseRun,
  type RangeOptions,
  rangeText,
  withDb,
  withExamples,
  withFormat,
  withRange,
} from './options.ts';
import { type Format, printRows } from './output.ts';
import { describeRun, runOf } from './run_choice.ts';
import { note } from './terminal.ts';

interface ParityOptions extends RangeOptions {
  readonly db?: string;
  readonly format: Format;
}

const TEXT = 25;
const BIGINT = 20;

/** The `parity` subcommand. */
export function parityCommand(): Command {
  const command = new Command('parity')
    .description(
      'Compares periods, signals, decisions, intents and fills of two runs on their natural keys. Exits 1 on any difference; --from and --to limit it to a range that both runs cover.',
    )
    .argument('<run-a>', 'run id, latest, latest-1 …', parseRun)
    .argument('<run-b>', 'run id, latest, latest-1 …', parseRun)
    .action(compare);
  return withExamples(withDb(withFormat(withRange(command))), 'parity 3 4', 'parity latest-1 latest');
}

async function compare(textA: string, textB: string, options: ParityOptions): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connectReader('job_runner');
    const a = await runOf(client, textA);
    const b = await runOf(client, textB);
    const { run_id: runA } = a;
    const { run_id: runB } = b;
    note(`A is ${describeRun(a)}`);
    note(`B is ${describeRun(b)}`);
    const report = await compareRuns(client, { runA, runB }, rangeText(options));
    await recordParity(client, report, formatEastern(systemClock().now()));
    printReport(report, options.format);
    if (report.differences === 0) return;
    process.exitCode = 1;
    for (const line of await differingParameters(client, runA, runB)) note(line);
    if (a.ts_from !== b.ts_from || a.ts_to !== b.ts_to) {
      note('the runs cover different ranges: --from and --to limit the comparison to what both cover');
    }
  });
}

/** The parameters of two runs that are not the same: rows that differ then are no riddle. */
async function differingParameters(client: pg.ClientBase, runA: number, runB: number): Promise<string[]> {
  const { rows } = await client.query<{ key: string; a: string | null; b: string | null }>(
    `select coalesce(a.key, b.key) as key, a.value as a, b.value as b
     from (select p.* from trade.runs r cross join lateral jsonb_each_text(r.params) p where r.run_id = $1) a
     full join (select p.* from trade.runs r cross join lateral jsonb_each_text(r.params) p where r.run_id = $2) b using (key)
     where a.value is distinct from b.value and coalesce(a.key, b.key) not in ('account', 'ts_created')
     order by 1`,
    [runA, runB],
  );
  return rows.map(({ key, a, b }) => `the runs differ in ${key}: ${a ?? 'none'} in A, ${b ?? 'none'} in B`);
}

function printReport(report: ParityReport, format: Format): void {
  const columns = [
    { name: 'table', oid: TEXT },
    { name: 'rows_a', oid: BIGINT },
    { name: 'rows_b', oid: BIGINT },
    { name: 'differences', oid: BIGINT },
    { name: 'first_difference', oid: TEXT },
  ];
  const rows = report.tables.map(({ table, rowsA, rowsB, differences, first }) => [
    ...[table, rowsA, rowsB, differences].map(String),
    first === null ? null : describeDifference(first),
  ]);
  const verdict =
    report.first === null
      ? `no difference in ${report.compared} rows`
      : `${report.differences} differences in ${report.compared} rows; the first: ${describeDifference(report.first)}`;
  const shown = format === 'table' ? columns.slice(0, 4) : columns;
  printRows(shown, rows, { format, footer: ['', verdict] });
}
