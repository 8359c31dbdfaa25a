// What a run has come to: the figures that backtest, replay and demo print at their end.
import type pg from 'pg';

/** Money in dollars. `quote_source` belongs beside every one of these figures. */
export interface RunSummary {
  readonly run_id: number;
  readonly mode: string;
  readonly strategy: string;
  readonly version: number;
  readonly symbol: string;
  readonly quote_source: string;
  readonly tick_feed: string;
  readonly quote_feed: string;
  readonly vwap_is_typical: boolean;
  readonly ts_from: string;
  readonly ts_to: string;
  readonly outcome: string;
  /** `trades`: decisions to skip were counted, not kept. */
  readonly keeps: 'all' | 'trades';
  readonly sessions: number;
  readonly signals: number;
  readonly trades: number;
  readonly wins: number;
  readonly win_rate: number | null;
  readonly gross: number;
  readonly fees: number;
  readonly net: number;
  /** Largest fall of the running net over the whole run, at closed round trips. */
  readonly max_drawdown: number;
  readonly minutes_in_market: number;
  readonly open_positions: number;
  /** Round trips by exit reason. */
  readonly exits: Readonly<Record<string, { readonly trades: number; readonly net: number }>>;
  /** What was not traded, by the rule's own reason or by the gate that denied it. Periods without a signal are not counted. */
  readonly skipped: Readonly<Record<string, number>>;
}

type Totals = Omit<RunSummary, 'win_rate' | 'exits' | 'skipped'>;

/** Sums up a run, for any role that may read schema panel. Throws on a run that does not exist: a programmer's error. */
export async function summarizeRun(client: pg.ClientBase, runId: number): Promise<RunSummary> {
  const totals = await readTotals(client, runId);
  const { rows: exits } = await client.query<{ reason: string; trades: number; net: number }>(
    `select coalesce(exit_reason, 'none') as reason, count(*) as trades, sum(net)::float8 as net
     from panel.round_trips where run_id = $1 group by 1 order by 2 desc, 1`,
    [runId],
  );
  const { rows: skipped } = await client.query<{ reason: string; signals: number }>(
    `select reason, sum(periods)::integer as signals from panel.skips
     where run_id = $1 and reason <> 'no_signal' group by 1 order by 2 desc, 1`,
    [runId],
  );
  return {
    ...totals,
    win_rate: totals.trades === 0 ? null : totals.wins / totals.trades,
    exits: Object.fromEntries(exits.map(({ reason, trades, net }) => [reason, { trades, net }])),
    skipped: Object.fromEntries(skipped.map(({ reason, signals }) => [reason, signals])),
  };
}

async function readTotals(client: pg.ClientBase, runId: number): Promise<Totals> {
  const { rows } = await client.query<Totals>(
    `with days as (
       select count(*) as sessions, coalesce(sum(d.trades), 0) as trades, coalesce(sum(d.wins), 0) as wins,
         coalesce(sum(d.gross), 0)::float8 as gross, coalesce(sum(d.fees), 0)::float8 as fees, coalesce(sum(d.net), 0)::float8 as net,
         coalesce(sum(d.minutes_in_market), 0)::float8 as minutes_in_market, coalesce(bool_or(d.vwap_is_typical), false) as vwap_is_typical
       from panel.daily_pl d where d.run_id = $1
     )
     select
       r.run_id, r.mode, r.strategy, r.version, r.symbol, r.quote_source, r.tick_feed, r.quote_feed, days.vwap_is_typical,
       r.ts_from, r.ts_to, r.outcome, r.keeps, days.sessions,
       (select count(*) from panel.signals s where s.run_id = $1) as signals,
       days.trades, days.wins, days.gross, days.fees, days.net,
       (select x.max_drawdown::float8 from panel.run_results x where x.run_id = $1) as max_drawdown, days.minutes_in_market,
       (select count(distinct o.position_id) from panel.open_positions o where o.run_id = $1) as open_positions
     from panel.runs r cross join days
     where r.run_id = $1`,
    [runId],
  );
  const totals = rows[0];
  if (totals === undefined) throw new Error(`no run ${runId}`);
  return totals;
}
