// strikebase report: a run as one HTML page that needs nothing else.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import { reportPage } from '../report/page.ts';
import { readReport } from '../report/read.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples, withRun } from './options.ts';
import { chooseRun } from './run_choice.ts';
import { note, print, showProgress } from './terminal.ts';

interface ReportOptions {
  readonly db?: string;
  readonly run?: string;
  readonly out: string;
}

/** The `report` subcommand. */
export function reportCommand(): Command {
  const command = new Command('report')
    .description(
      'Writes a run as one HTML page: equity and drawdown, price with VWAP, MA9 and trades, sessions, decisions, exits. ' +
        'It loads nothing from anywhere, so it opens from the disk and can be sent by mail.',
    )
    .option('--out <file>', 'file to write', 'report.html');
  return withExamples(withDb(withRun(command)), 'report', 'report --run 3 --out october.html').action(
    writeReport,
  );
}

async function writeReport(options: ReportOptions): Promise<void> {
  if (options.run === 'all') {
    throw new Failure('a report is about one run', {
      hint: 'Write --run ID, or leave it out for the latest.',
      exitCode: 2,
    });
  }
  await withDatabase(options, async (database) => {
    const client = await database.connectReader('grafana_reader');
    const { runId } = await chooseRun(client, options);
    const progress = showProgress('report', 6);
    const data = await readReport(client, runId ?? 0, (what, done) => progress.update(done, what)).finally(
      () => progress.end(),
    );
    const text = reportPage(data, formatEastern(systemClock().now()).slice(0, 16));
    const path = resolve(options.out);
    await writeFile(path, text).catch((error: unknown) => {
      throw new Failure(`${path} cannot be written: ${errorText(error)}`, {
        hint: 'Name another file with --out.',
      });
    });
    note(
      `${(Buffer.byteLength(text) / 1024).toFixed(0)} KiB; open it in a browser: ${pathToFileURL(path).href}`,
    );
    print(`${path}\n`);
  });
}
