// Which run's rows a command shows: --run ID, all, or the latest; and what must be said of it beside its figures.
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import { note } from './terminal.ts';

export interface RunRow {
  readonly run_id: number;
  readonly mode: string;
  readonly strategy: string;
  readonly version: number;
  readonly symbol: string;
  readonly quote_source: string;
  readonly tick_feed: string;
  readonly quote_feed: string;
  readonly ts_from: string;
  readonly ts_to: string;
  readonly ts_advanced: string | null;
  readonly outcome: string;
  /** `trades`: one of a grid, which has counted what it skipped. */
  readonly keeps: 'all' | 'trades';
}

export interface RunChoice {
  /** Null: the rows of all runs. */
  readonly runId: number | null;
  /** Lines for the end of a table. */
  readonly footer: readonly string[];
}

const COLUMNS =
  'run_id, mode, strategy, version, symbol, quote_source, tick_feed, quote_feed, ts_from, ts_to, ts_advanced, outcome, keeps';

/** The run meant by --run, `latest` without it; says on standard error which one was taken. Throws Failure where there is none. */
export async function chooseRun(
  client: pg.ClientBase,
  options: { readonly run?: string | undefined; readonly strategy?: string | undefined },
): Promise<RunChoice> {
  if (options.run === 'all') return { runId: null, footer: await sourcesOf(client) };
  const { run: text = 'latest' } = options;
  const run = await runOf(client, text, options.strategy);
  if (text.startsWith('latest')) note(`${text === 'latest' ? 'latest run' : text}: ${describeRun(run)}`);
  return { runId: run.run_id, footer: [`run ${describeRun(run)}`] };
}

/** The run that a text of `parseRun` means. Throws Failure where there is none. */
export async function runOf(client: pg.ClientBase, text: string, strategy?: string): Promise<RunRow> {
  const [, back] = /^latest(?:-(\d+))?$/.exec(text) ?? [];
  return text.startsWith('latest')
    ? latestRun(client, Number(back ?? 0), strategy)
    : runById(client, Number(text));
}

/** A run of that id. Throws Failure where there is none. */
export async function runById(client: pg.ClientBase, runId: number): Promise<RunRow> {
  const { rows } = await client.query<RunRow>(`select ${COLUMNS} from panel.runs where run_id = $1`, [runId]);
  const run = rows[0];
  if (run === undefined)
    throw new Failure(`there is no run ${runId}`, {
      hint: '`strikebase runs list` shows them.',
      exitCode: 2,
    });
  return run;
}

async function latestRun(client: pg.ClientBase, back: number, strategy?: string): Promise<RunRow> {
  const { rows } = await client.query<RunRow>(
    // Those of a grid are many, and go by their ids.
    `select ${COLUMNS} from panel.runs where keeps = 'all' and ($1::text is null or strategy = $1) order by run_id desc limit 1 offset $2`,
    [strategy ?? null, back],
  );
  const run = rows[0];
  if (run !== undefined) return run;
  const of = strategy === undefined ? '' : ` of strategy ${strategy}`;
  if (back > 0) {
    throw new Failure(`there is no run${of} that is ${back} before the latest`, {
      hint: '`strikebase runs list` shows them.',
      exitCode: 2,
    });
  }
  throw new Failure(`there is no run${of} yet`, {
    hint: 'Make one: `strikebase backtest` or `strikebase demo`.',
  });
}

async function sourcesOf(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ quote_source: string; runs: string }>(
    `select quote_source, string_agg(run_id::text, ', ' order by run_id) as runs from panel.runs group by 1 order by 1`,
  );
  return rows.map(({ quote_source, runs }) => `${quote_source} quotes: runs ${runs}`);
}

/** `3: backtest of vwap_ma9 v1 on QQQ, ticks bars-60s, modelled quotes (modelled-60s), completed`. */
export function describeRun(run: RunRow): string {
  const what = `${run.run_id}: ${run.mode} of ${run.strategy} v${run.version} on ${run.symbol}`;
  const kept = run.keeps === 'trades' ? ', skips counted and not kept' : '';
  return `${what}, ticks ${run.tick_feed}, ${run.quote_source} quotes (${run.quote_feed}), ${run.outcome}${kept}`;
}
