// What pl, trades and decisions have in common: the rows of one view, of one run or of all, over a range.
import type { Command } from 'commander';
import type pg from 'pg';
import { withDatabase } from './database.ts';
import { type OutputOptions, rangeText, withDb, withFormat, withRange, withRun } from './options.ts';
import { printQuery } from './output.ts';
import { chooseRun } from './run_choice.ts';
import { note, outputClosed } from './terminal.ts';

export interface RunView {
  /** A select on a view of schema panel with `$1` and `$2` for the range and `$3` for the run, null for all. */
  readonly text: string;
  /** Further values, from $4 on. */
  readonly values?: readonly unknown[];
  /** Columns that a table shows once when all rows agree. */
  readonly common: readonly string[];
  /** What is to be said besides, when the rows stand there; reads as grafana_reader. */
  readonly after?: (client: pg.ClientBase, shown: Shown) => Promise<void>;
}

/** Which rows were shown. */
export interface Shown {
  readonly from: string;
  readonly to: string;
  /** Null: of all runs. */
  readonly runId: number | null;
}

/** --from, --to, --run, --strategy, --format and --db. */
export function withRunOptions(command: Command): Command {
  const ranged = withRange(withRun(command)).option('--strategy <name>', 'of this strategy (its latest run)');
  return withDb(withFormat(ranged));
}

/** Prints the rows of a view of a run. */
export async function printRunView(
  view: RunView,
  options: OutputOptions & { readonly strategy?: string },
): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connectReader('grafana_reader');
    const { runId, footer } = await chooseRun(client, options);
    const { from, to } = rangeText(options);
    const count = await printQuery(
      client,
      { text: view.text, values: [from, to, runId, ...(view.values ?? [])] },
      { format: options.format, common: view.common, footer: ['', ...footer] },
    );
    if (count === 0) note('no rows in this range');
    if (!outputClosed()) await view.after?.(client, { from, to, runId });
  });
}
