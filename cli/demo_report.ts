// What a demo prints when its session is over: P/L, exits, where the data is, what to try next.
import { resolve } from 'node:path';
import type pg from 'pg';
import { loadConfig } from '../core/config.ts';
import type { LiveOutcome } from '../jobs/live.ts';
import { type RunSummary, summarizeRun } from '../jobs/run_summary.ts';
import type { Database } from './database.ts';
import type { LedgerCheck } from './ledger_check.ts';
import { grouped } from './live_view.ts';
import { printReport } from './run_report.ts';
import { print } from './terminal.ts';

export interface DemoReport {
  /** Reads as job_runner. */
  readonly client: pg.ClientBase;
  readonly database: Database;
  readonly outcome: LiveOutcome;
  readonly seed: number;
  /** Our fills against the broker's books; null on paper. */
  readonly ledger: LedgerCheck | null;
  /** Real time that it took. */
  readonly elapsedMs: number;
}

const ENTRIES_SQL = `
  select count(*)::integer as entries,
    count(*) filter (where not exists (
      select from trade.fills f where f.position_id = d.decision_id
    ))::integer as unfilled
  from trade.decisions d where d.run_id = $1 and d.kind = 'entry' and d.verdict = 'TRADE'`;

const ROWS_SQL = `
  select m.stream, m.rows_in from ops.stream_marks m
  join trade.runs r on m.feed_id in (r.tick_feed_id, r.quote_feed_id) where r.run_id = $1 order by m.stream`;

/** Prints the report on standard output. */
export async function printDemoReport(report: DemoReport): Promise<void> {
  const { client, database, outcome, seed, ledger, elapsedMs } = report;
  const summary = await summarizeRun(client, outcome.runId);
  const ending = outcome.outcome === 'completed' ? 'completed' : `${outcome.outcome} before its end`;
  const date = summary.ts_from.slice(0, 10);
  print(
    `\nSession ${date}, seed ${seed}, ${summary.quote_source} quotes: ${ending} in ${(elapsedMs / 1000).toFixed(0)} s\n\n`,
  );
  await printReport(client, summary, { isJson: false, elapsedMs });
  print(`${await ordersLine(client, outcome.runId)}\n${await rowsLine(client, outcome.runId)}\n`);
  if (ledger !== null) print(`${ledgerLines(ledger).join('\n')}\n`);
  print(`\n${whereLines(database).join('\n')}\n`);
  print(`\nTry next:\n${nextLines(summary, seed).join('\n')}\n`);
}

function ledgerLines({ orders, contracts, differences }: LedgerCheck): string[] {
  const counts = `${grouped(orders)} orders, ${grouped(contracts)} contracts`;
  if (differences.length === 0) return [`broker ledger  ${counts}: the same as our fills`];
  return [`broker ledger  ${counts}: NOT the same as our fills`, ...differences.map((each) => `  ${each}`)];
}

async function ordersLine(client: pg.ClientBase, runId: number): Promise<string> {
  const { rows } = await client.query<{ entries: number; unfilled: number }>(ENTRIES_SQL, [runId]);
  return `entry orders   ${rows[0]?.entries ?? 0}, of which unfilled ${rows[0]?.unfilled ?? 0}`;
}

async function rowsLine(client: pg.ClientBase, runId: number): Promise<string> {
  const { rows } = await client.query<{ stream: string; rows_in: number }>(ROWS_SQL, [runId]);
  return `rows stored    ${rows.map(({ stream, rows_in }) => `${stream} ${grouped(rows_in)}`).join(', ')}`;
}

function whereLines(database: Database): string[] {
  const lines = [`Data: ${withoutPassword(database.url)}`];
  const dir = resolve(loadConfig().strikebaseDir);
  return database.isEmbedded ? [...lines, `      in ${dir}, served while a command runs`] : lines;
}

/** The address of a database as it may be shown. */
export function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = '';
  return shown.href;
}

function nextLines(summary: RunSummary, seed: number): string[] {
  const { run_id, strategy, tick_feed, quote_feed } = summary;
  const date = summary.ts_from.slice(0, 10);
  // The market of a demo that was stopped ends where it was stopped: another run of that day says little.
  const replayLine = `  npx strikebase replay --strategy ${strategy} --quotes simulated --from ${date} --to ${date} --feed ${tick_feed} --quote-feed ${quote_feed}`;
  const isWhole = summary.outcome === 'completed';
  return [
    `  npx strikebase trades --run ${run_id}`,
    `  npx strikebase decisions --run ${run_id} --format csv`,
    ...(isWhole ? [replayLine] : []),
    `  npx strikebase demo --seed ${seed + 1}`,
  ];
}
