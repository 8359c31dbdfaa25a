// Everything that a report shows of a run, read from schema panel in one transaction.
import type pg from 'pg';
import { type RunSummary, summarizeRun } from '../jobs/run_summary.ts';

export interface Day {
  readonly date: string;
  readonly trades: number;
  readonly wins: number;
  readonly gross: number;
  readonly fees: number;
  readonly net: number;
  readonly drawdown: number;
}

/** A round trip. Times are seconds of Eastern wall clock, counted as if it were UTC. */
export interface Trip {
  readonly entry: number;
  readonly exit: number;
  readonly date: string;
  readonly contract: string;
  readonly direction: 'up' | 'down' | null;
  readonly qty: number;
  readonly entry_px: number;
  readonly exit_px: number;
  readonly entry_reason: string;
  readonly exit_reason: string;
  readonly net: number;
  readonly fees: number;
  readonly minutes: number;
}

/** Minutes of one session, in cents; null where there is no value. */
export interface PriceDay {
  readonly date: string;
  /** Times of the ends of the minutes, as in Trip. */
  readonly ts: readonly number[];
  readonly close: readonly (number | null)[];
  readonly vwap: readonly (number | null)[];
  readonly session_vwap: readonly (number | null)[];
  readonly ma9: readonly (number | null)[];
}

export interface DecisionCount {
  readonly kind: string;
  readonly verdict: string;
  readonly reason: string;
  readonly count: number;
}

export interface GateCount {
  readonly gate: string;
  readonly judged: number;
  readonly failed: number;
}

export interface ReportData {
  readonly run: RunSummary & {
    readonly account: string;
    readonly broker: string;
    readonly contracts: number;
  };
  readonly days: readonly Day[];
  readonly trips: readonly Trip[];
  readonly prices: readonly PriceDay[];
  /** Sessions whose prices were left out, the earliest ones, to keep the page small. */
  readonly pricesLeftOut: number;
  readonly decisions: readonly DecisionCount[];
  /** Of decisions that had a signal. */
  readonly gates: readonly GateCount[];
}

const MAX_PRICE_DAYS = 260;
const GATES = [
  ['window', 'window_ok'],
  ['late', 'age_ok'],
  ['halt', 'halt_ok'],
  ['cooldown', 'cooldown_ok'],
  ['position', 'slots_ok'],
  ['quote', 'quote_ok'],
  ['capital', 'capital_ok'],
  ['day loss', 'day_pl_ok'],
  ['orders', 'orders_ok'],
] as const;

const DAYS_SQL = `
  select session_date::text as date, trades, wins, gross::float8, fees::float8, net::float8, max_drawdown::float8 as drawdown
  from panel.daily_pl where run_id = $1 order by session_date`;

const TRIPS_SQL = `
  select extract(epoch from ts_entry)::float8 as entry, extract(epoch from ts_exit)::float8 as exit, session_date::text as date,
    contract, direction, qty::integer, entry_px::float8, exit_px::float8, entry_reason, exit_reason, net::float8, fees::float8,
    minutes_held::float8 as minutes
  from panel.round_trips where run_id = $1 order by ts_exit, position_id`;

// Arrays: a year of minutes is a hundred thousand rows.
const PRICES_SQL = `
  with chosen as (
    select session_date from panel.daily_pl where run_id = $1 order by session_date desc limit ${MAX_PRICE_DAYS}
  )
  select p.session_date::text as date, array_agg(extract(epoch from p.ts)::float8 order by p.ts) as ts,
    array_agg(round(p.close * 100, 1)::float8 order by p.ts) as close,
    array_agg(round(p.vwap * 100, 1)::float8 order by p.ts) as vwap,
    array_agg(round(p.session_vwap * 100, 1)::float8 order by p.ts) as session_vwap,
    array_agg(round(p.ma9 * 100, 1)::float8 order by p.ts) as ma9
  from panel.periods p
  where p.run_id = $1 and p.session_date in (select c.session_date from chosen c)
  group by p.session_date
  order by p.session_date`;

const DECISIONS_SQL = `
  select kind, verdict, reason, sum(n)::integer as count
  from (
    select kind, verdict, reason, 1 as n from panel.decisions where run_id = $1 and verdict = 'TRADE'
    union all
    select 'entry', 'SKIP', reason, periods from panel.skips where run_id = $1
  ) as judged
  group by kind, verdict, reason order by kind, verdict desc, count desc, reason`;

const GATES_SQL = `
  select ${GATES.map(([, column]) => `count(${column})::integer as ${column}_n, count(*) filter (where not ${column})::integer as ${column}`).join(', ')}
  from panel.decisions where run_id = $1 and kind = 'entry' and direction is not null`;

/** Reads a run for a role that may read schema panel; `onStep` is told what comes next. Throws on a run that does not exist. */
export async function readReport(
  client: pg.ClientBase,
  runId: number,
  onStep: (what: string, done: number, total: number) => void = () => undefined,
): Promise<ReportData> {
  let done = 0;
  const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    onStep(what, done, 6);
    done += 1;
    return work();
  };
  const rows = async <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> =>
    (await client.query<Row>(text, [runId])).rows;
  await client.query('begin isolation level repeatable read read only');
  try {
    const summary = await step('key figures', () => summarizeRun(client, runId));
    const [of] = await rows<{ account: string; broker: string; contracts: number }>(
      'select account, broker, contracts from panel.runs where run_id = $1',
    );
    if (of === undefined) throw new Error(`no run ${runId}`);
    const days = await step('days', () => rows<Day>(DAYS_SQL));
    const prices = await step('prices', () => rows<PriceDay>(PRICES_SQL));
    return {
      run: { ...summary, ...of },
      days,
      prices,
      pricesLeftOut: Math.max(days.length - MAX_PRICE_DAYS, 0),
      trips: await step('trades', () => rows<Trip>(TRIPS_SQL)),
      decisions: await step('decisions', () => rows<DecisionCount>(DECISIONS_SQL)),
      // Without the decisions to skip every gate would look as if it had let everything pass.
      gates:
        summary.keeps === 'trades'
          ? []
          : await step('gates', async () => gateCounts((await rows<GateRow>(GATES_SQL))[0] ?? {})),
    };
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

type GateRow = Readonly<Record<string, number>>;

function gateCounts(row: GateRow): GateCount[] {
  return GATES.map(([gate, column]) => ({
    gate,
    judged: row[`${column}_n`] ?? 0,
    failed: row[column] ?? 0,
  }));
}
