// The end of a backtest, replay or demo: its last days, its totals, and on what quotes they rest.
import type pg from 'pg';
import type { RunSummary } from '../jobs/run_summary.ts';
import { printQuery } from './output.ts';
import { print } from './terminal.ts';

const SHOWN_DAYS = 10;

const DAYS = `
  select session_date, trades, wins, gross, round(fees, 2) as fees, round(net, 2) as net, round(max_drawdown, 2) as max_drawdown
  from (
    select * from panel.daily_pl where run_id = $1 order by session_date desc limit ${SHOWN_DAYS}
  ) as last_days
  order by session_date`;

/** Prints a run's summary: one JSON object, or the last days as a table and the totals in words. */
export async function printReport(
  client: pg.ClientBase,
  summary: RunSummary,
  options: { readonly isJson: boolean; readonly elapsedMs: number },
): Promise<void> {
  const elapsed_ms = Math.round(options.elapsedMs);
  if (options.isJson) {
    print(`${JSON.stringify({ ...summary, quotes: `${summary.quote_source} quotes`, elapsed_ms })}\n`);
    return;
  }
  const hidden = summary.sessions - SHOWN_DAYS;
  const footer =
    hidden > 0 ? [`(${hidden} earlier sessions: npx strikebase pl --run ${summary.run_id})`] : [];
  await printQuery(client, { text: DAYS, values: [summary.run_id] }, { format: 'table', footer });
  print(`\n${totals(summary).join('\n')}\n`);
}

function totals(summary: RunSummary): string[] {
  const rate = summary.win_rate === null ? '' : `, ${(summary.win_rate * 100).toFixed(1)} % won`;
  const exits = Object.entries(summary.exits).map(
    ([reason, { trades, net }]) => `${reason} ${trades} (${money(net)})`,
  );
  const skipped = Object.entries(summary.skipped).map(([reason, count]) => `${reason} ${count}`);
  return [
    `run ${summary.run_id}: ${summary.mode} of ${summary.strategy} v${summary.version} on ${summary.symbol}, ${summary.outcome}`,
    ...(summary.keeps === 'trades' ? ['keeps          trades; what was skipped is counted by reason'] : []),
    `sessions       ${summary.sessions}`,
    `signals        ${summary.signals}${skipped.length === 0 ? '' : `, not traded: ${skipped.join(', ')}`}`,
    `trades         ${summary.trades}${rate}`,
    ...(exits.length === 0 ? [] : [`exits          ${exits.join(', ')}`]),
    `gross          ${money(summary.gross)}`,
    `fees           ${money(summary.fees)}`,
    `net            ${money(summary.net)}`,
    `max drawdown   ${money(summary.max_drawdown)}`,
    ...(summary.open_positions === 0 ? [] : [`still open     ${summary.open_positions}`]),
    `${summary.quote_source} quotes (${summary.quote_feed}), ticks ${summary.tick_feed}${typicalNote(summary)}`,
    `as a page      npx strikebase report --run ${summary.run_id} --out report.html`,
  ];
}

function typicalNote({ vwap_is_typical }: RunSummary): string {
  return vwap_is_typical ? '; bars without a vwap: their typical price stands in' : '';
}

function money(dollars: number): string {
  return dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
