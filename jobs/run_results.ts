// What runs have come to, side by side, and which is the best of them.
import type pg from 'pg';

/** Money in dollars, from closed round trips. */
export interface RunResult {
  readonly run_id: number;
  readonly trades: number;
  readonly wins: number;
  readonly win_rate: number | null;
  readonly gross: number;
  readonly fees: number;
  readonly net: number;
  /** Null where nothing was lost, or nothing won. */
  readonly profit_factor: number | null;
  readonly max_drawdown: number;
  /** Positions that were not closed when its range ended: in no other figure. */
  readonly open_positions: number;
}

export const FIGURES = ['net', 'profit_factor', 'win_rate', 'max_drawdown'] as const;

/** What runs are ranked by: the most is the best, of the drawdown the least. */
export type Figure = (typeof FIGURES)[number];

/** Reads the results of runs, in the order of their ids given. Throws on a run that does not exist: a programmer's error. */
export async function readResults(client: pg.ClientBase, runIds: readonly number[]): Promise<RunResult[]> {
  const { rows } = await client.query<RunResult>(
    `select x.run_id, x.trades, x.wins, x.win_rate::float8, x.gross::float8, x.fees::float8, x.net::float8, x.profit_factor::float8,
       x.max_drawdown::float8,
       (select count(distinct o.position_id) from panel.open_positions o where o.run_id = x.run_id) as open_positions
     from panel.run_results x where x.run_id = any ($1)`,
    [runIds],
  );
  const byId = new Map(rows.map((row) => [row.run_id, row]));
  return runIds.map((runId) => {
    const row = byId.get(runId);
    if (row === undefined) throw new Error(`no run ${runId}`);
    return row;
  });
}

/** What several runs have come to one after the other, as if they were one; without a run all is 0. */
export async function readTotal(
  client: pg.ClientBase,
  runIds: readonly number[],
): Promise<Omit<RunResult, 'run_id'>> {
  const { rows } = await client.query<{ gross: number; fees: number; net: number }>(
    'select gross, fees, net from panel.trip_pl where run_id = any ($1) order by ts_exit, position_id',
    [runIds],
  );
  const { rows: open } = await client.query<{ n: number }>(
    'select count(distinct position_id) as n from panel.open_positions where run_id = any ($1)',
    [runIds],
  );
  const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
  const nets = rows.map(({ net }) => net);
  const [won, lost] = [sum(nets.filter((net) => net > 0)), -sum(nets.filter((net) => net < 0))];
  const wins = nets.filter((net) => net > 0).length;
  return {
    trades: rows.length,
    wins,
    win_rate: rows.length === 0 ? null : wins / rows.length,
    gross: sum(rows.map(({ gross }) => gross)),
    fees: sum(rows.map(({ fees }) => fees)),
    net: sum(nets),
    profit_factor: won > 0 && lost > 0 ? won / lost : null,
    max_drawdown: largestFall(nets),
    open_positions: open[0]?.n ?? 0,
  };
}

/** Of the running sum from its high, which is at least 0. */
function largestFall(nets: readonly number[]): number {
  let [sum, high, fall] = [0, 0, 0];
  for (const net of nets) {
    sum += net;
    high = Math.max(high, sum);
    fall = Math.max(fall, high - sum);
  }
  return fall;
}

/** For sorting, the best first; those without a trade are last, and equal ones keep their order. */
export function compareBy(figure: Figure): (a: RunResult, b: RunResult) => number {
  return (a, b) => {
    const [x, y] = [rankOf(a, figure), rankOf(b, figure)];
    return x === y ? 0 : x > y ? -1 : 1;
  };
}

function rankOf(result: RunResult, figure: Figure): number {
  if (result.trades === 0) return Number.NEGATIVE_INFINITY;
  if (figure === 'max_drawdown') return -result.max_drawdown;
  if (figure === 'profit_factor')
    return result.profit_factor ?? (result.wins > 0 ? Number.POSITIVE_INFINITY : 0);
  return result[figure] ?? 0;
}
