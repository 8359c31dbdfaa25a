// What a demo prints when its session is over: P/L, exits, where the data is, what to try next.

import { resolve } from 'node:path';
import type pg from 'pg';
import { loadConfig } from '../core/config.ts';
import type { LiveOutcome } from '../jobs/live.ts';
import type { Database } from './database.ts';
import { grouped } from './live_view.ts';
import { printQuery } from './output.ts';
import { print } from './terminal.ts';

export interface DemoReport {
  /** Reads as job_runner. */
  readonly reader: pg.ClientBase;
  readonly database: Database;
  readonly outcome: LiveOutcome;
  readonly seed: number;
  /** Real time that it took. */
  readonly seconds: number;
}

interface RunRow {
  readonly date: string;
  readonly strategy: string;
  readonly account: string;
  readonly tick_feed: string;
  readonly quote_feed: string;
  readonly quote_source: string;
}

const RUN_SQL = `
  select r.ts_from::date::text as date, r.strategy, r.account, t.name as tick_feed, q.name as quote_feed, r.quote_source
  from trade.runs r
  join ref.feeds t on t.feed_id = r.tick_feed_id
  join ref.feeds q on q.feed_id = r.quote_feed_id
  where r.run_id = $1`;

const EXITS_SQL = `
  select d.reason, count(*)::integer as exits from trade.decisions d
  where d.run_id = $1 and d.kind = 'exit' group by d.reason order by count(*) desc, d.reason`;

const SIGNALS_SQL = `
  select count(*)::integer as signals, count(*) filter (where d.verdict = 'TRADE')::integer as entries
  from trade.decisions d where d.run_id = $1 and d.kind = 'entry' and d.direction is not null`;

const ROWS_SQL = `
  select m.stream, m.rows_in from ops.stream_marks m
  join trade.runs r on m.feed_id in (r.tick_feed_id, r.quote_feed_id) where r.run_id = $1 order by m.stream`;

/** Prints the report on standard output. */
export async function printDemoReport(report: DemoReport): Promise<void> {
  const { reader, outcome } = report;
  const { rows } = await reader.query<RunRow>(RUN_SQL, [outcome.runId]);
  const [run] = rows;
  if (run === undefined) throw new Error(`run ${outcome.runId} has vanished`);
  print(
    `\nSession ${run.date}, seed ${report.seed}: ${run.quote_source} quotes, paper broker, ${endingOf(report)}\n\n`,
  );
  await printPl(reader, outcome.runId);
  print(`\n${await tradesLine(reader, outcome.runId)}\n`);
  print(`${await rowsLine(reader, outcome.runId)}\n`);
  print(`\n${whereLines(report.database).join('\n')}\n`);
  print(`\nTry next:\n${nextLines(run, report).join('\n')}\n`);
}

function endingOf({ outcome, seconds }: DemoReport): string {
  const what = outcome.outcome === 'completed' ? 'completed' : `${outcome.outcome} before its end`;
  return `${what} in ${seconds.toFixed(0)} s`;
}

async function printPl(reader: pg.ClientBase, runId: number): Promise<void> {
  const text = 'select * from panel.daily_pl where run_id = $1';
  await printQuery(reader, { text, values: [runId] }, { format: 'table' });
}

async function tradesLine(reader: pg.ClientBase, runId: number): Promise<string> {
  const exits = await reader.query<{ reason: string; exits: number }>(EXITS_SQL, [runId]);
  const signals = await reader.query<{ signals: number; entries: number }>(SIGNALS_SQL, [runId]);
  const reasons = exits.rows.map(({ reason, exits: count }) => `${reason} ${count}`).join(', ');
  const row = signals.rows[0];
  return `signals ${row?.signals ?? 0}, of which traded ${row?.entries ?? 0}; exits: ${reasons === '' ? 'none' : reasons}`;
}

async function rowsLine(reader: pg.ClientBase, runId: number): Promise<string> {
  const { rows } = await reader.query<{ stream: string; rows_in: number }>(ROWS_SQL, [runId]);
  return `rows stored: ${rows.map(({ stream, rows_in }) => `${stream} ${grouped(rows_in)}`).join(', ')} (simulated)`;
}

function whereLines(database: Database): string[] {
  const lines = [`Data: ${withoutPassword(database.url)}`];
  return database.isEmbedded ? [...lines, `      in ${resolve(loadConfig().strikebaseDir)}`] : lines;
}

/** The address of a database that can be shown. */
export function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = '';
  return shown.href;
}

function nextLines(run: RunRow, { outcome, seed }: DemoReport): string[] {
  const { runId } = outcome;
  const feeds = `--feed ${run.tick_feed} --quote-feed ${run.quote_feed}`;
  return [
    `  npx strikebase trades --run ${runId}`,
    `  npx strikebase decisions --run ${runId} --format csv`,
    `  npx strikebase replay --strategy ${run.strategy} --from ${run.date} --to ${run.date} ${feeds}`,
    `  npx strikebase demo --seed ${seed + 1}`,
  ];
}
