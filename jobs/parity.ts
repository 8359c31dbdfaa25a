// Compares two runs row by row on natural keys: the same days must give the same rows, however they were run.
import type pg from 'pg';

/** A half-open range of event time, as text. */
export interface ParityRange {
  readonly from: string;
  readonly to: string;
}

export interface ParityDifference {
  readonly table: string;
  /** The natural key, in words. */
  readonly key: string;
  /** The first field that differs; null where the row stands on one side only. */
  readonly field: string | null;
  readonly a: string | null;
  readonly b: string | null;
}

export interface TableParity {
  readonly table: string;
  readonly rowsA: number;
  readonly rowsB: number;
  readonly differences: number;
  readonly first: ParityDifference | null;
}

export interface ParityReport {
  readonly runA: number;
  readonly runB: number;
  readonly tables: readonly TableParity[];
  readonly compared: number;
  readonly differences: number;
  /** Of the first table, in the order of the pipeline, that has any: what comes later may only follow from it. */
  readonly first: ParityDifference | null;
}

interface ComparedTable {
  readonly name: string;
  /** Columns of the natural key. */
  readonly key: readonly string[];
  /** The rows of run $N: natural key and every fact, no identity, run, account or as_of. Times in [$3, $4). */
  readonly rows: (run: '$1' | '$2') => string;
}

// Of a run that has counted what it skipped, the counts are compared, those of the other run added up likewise.
const SKIPS: ComparedTable = {
  name: 'skips',
  key: ['session_date', 'reason', 'has_signal'],
  rows: (run) => `
    select session_date, reason, has_signal, sum(periods)::integer as periods
    from panel.skips
    where run_id = ${run} and session_date >= $3::timestamp::date and session_date < $4::timestamp
    group by 1, 2, 3`,
};

// Decisions, intents and fills know each other by identity; what stays the same in another run is the instant of the entry.
const TABLES: readonly ComparedTable[] = [
  {
    name: 'periods',
    key: ['instrument_id', 'ts'],
    rows: (run) => `
      select instrument_id, ts, session_date, open_e4, high_e4, low_e4, close_e4, volume_e6, notional_e12, tick_count,
        vwap_is_typical, vwap_e6, session_vwap_e6, ma_sum_e4, ma_e6, strike_e4, call_id, call_bid_e4, call_ask_e4, call_ts,
        put_id, put_bid_e4, put_ask_e4, put_ts
      from signal.periods
      where run_id = ${run} and revision = 0 and ts >= $3 and ts < $4`,
  },
  {
    name: 'signals',
    key: ['instrument_id', 'ts'],
    rows: (run) => `
      select instrument_id, ts, session_date, direction, vwap_e6, ma_e6, session_vwap_e6, close_e4, skip, legs, score,
        features::text as features
      from signal.signals
      where run_id = ${run} and ts >= $3 and ts < $4`,
  },
  {
    name: 'decisions',
    // The age of a decision belongs to the clock of its run, not to the rule.
    key: ['kind', 'ts', 'entry_ts'],
    rows: (run) => `
      select d.kind, d.ts, coalesce(e.ts, d.ts) as entry_ts, d.verdict, d.reason, d.session_date, d.direction, d.instrument_id,
        d.trigger_px_e4, d.quote_ts, d.window_min, d.window_from_min, d.window_to_min, d.window_ok, d.halt_ok, d.cooldown_ms,
        d.cooldown_min_ms, d.cooldown_ok, d.open_slots, d.max_slots, d.slots_ok, d.bid_e4, d.ask_e4, d.quote_age_ms,
        d.quote_age_max_ms, d.quote_ok, d.capital, d.capital_max, d.capital_ok, d.day_pl, d.day_pl_min, d.day_pl_ok,
        d.orders_day, d.orders_day_max, d.orders_minute, d.orders_minute_max, d.orders_ok, d.event, d.event_ok, d.entries_day,
        d.entries_day_max, d.entries_ok, d.stop_ok
      from trade.decisions d
      left join trade.decisions e on e.decision_id = d.position_id
      where d.run_id = ${run} and d.ts >= $3 and d.ts < $4`,
  },
  {
    name: 'intents',
    key: ['purpose', 'entry_ts', 'attempt', 'leg_no'],
    rows: (run) => `
      select i.purpose, e.ts as entry_ts, i.attempt, l.leg_no, i.ts, d.ts as decision_ts, i.order_type, i.limit_px_e4, i.qty, i.slot,
        i.ts_valid_until, w.ts as depends_on_ts, l.instrument_id, l.side, l.effect, l.qty as leg_qty
      from trade.order_intents i
      join trade.order_intent_legs l on l.intent_id = i.intent_id
      join trade.decisions d on d.decision_id = i.decision_id
      join trade.decisions e on e.decision_id = i.position_id
      left join trade.decisions w on w.decision_id = i.depends_on_id
      where i.run_id = ${run} and i.ts >= $3 and i.ts < $4`,
  },
  {
    name: 'fills',
    key: ['purpose', 'entry_ts', 'attempt', 'leg_no', 'nth'],
    rows: (run) => `
      select i.purpose, e.ts as entry_ts, i.attempt, f.leg_no,
        row_number() over (partition by f.intent_id, f.leg_no order by f.ts, f.quote_seq, f.fill_id) as nth,
        f.ts, f.instrument_id, f.side, f.effect, f.qty, f.px_e4, f.commission, f.fees, f.quote_ts, f.quote_seq
      from trade.fills f
      join trade.order_intents i on i.intent_id = f.intent_id
      join trade.decisions e on e.decision_id = f.position_id
      where f.run_id = ${run} and f.ts >= $3 and f.ts < $4`,
  },
];

/**
 * Compares periods (as the rules saw them), signals, decisions, intents with legs, and fills of two runs; where one of them has counted
 * what it skipped, its decisions to trade and the counts by session and reason.
 */
export async function compareRuns(
  client: pg.ClientBase,
  runs: { readonly runA: number; readonly runB: number },
  range: ParityRange,
): Promise<ParityReport> {
  const tables: TableParity[] = [];
  for (const table of await tablesFor(client, runs))
    tables.push(await compareTable(client, table, [runs.runA, runs.runB, range.from, range.to]));
  const sum = (of: (table: TableParity) => number): number => tables.reduce((all, each) => all + of(each), 0);
  return {
    ...runs,
    tables,
    compared: sum((table) => Math.max(table.rowsA, table.rowsB)),
    differences: sum((table) => table.differences),
    first: tables.find((table) => table.first !== null)?.first ?? null,
  };
}

async function tablesFor(
  client: pg.ClientBase,
  { runA, runB }: { readonly runA: number; readonly runB: number },
): Promise<ComparedTable[]> {
  const { rows } = await client.query(
    "select from panel.runs where run_id = any ($1) and keeps = 'trades' limit 1",
    [[runA, runB]],
  );
  if (rows.length === 0) return [...TABLES];
  return TABLES.flatMap((table): ComparedTable[] =>
    table.name === 'decisions'
      ? [{ ...table, rows: (run) => `${table.rows(run)} and d.verdict = 'TRADE'` }, SKIPS]
      : [table],
  );
}

/** Stores a comparison in ops.parity_reports, for a connection that may write there. */
export async function recordParity(client: pg.ClientBase, report: ParityReport, ts: string): Promise<void> {
  await client.query(
    `insert into ops.parity_reports (ts, run_a, run_b, compared, differences, first_difference)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      ts,
      report.runA,
      report.runB,
      report.compared,
      report.differences,
      report.first === null ? null : describeDifference(report.first),
    ],
  );
}

/** `decisions at kind entry, ts 2025-10-06 10:05:00: reason is cooldown in A and cross_up in B`. */
export function describeDifference({ table, key, field, a, b }: ParityDifference): string {
  const where = `${table} at ${key}`;
  if (field === null) return `${where}: the row stands in ${a === null ? 'B' : 'A'} only`;
  return `${where}: ${field} is ${a ?? 'null'} in A and ${b ?? 'null'} in B`;
}

interface ComparedRow {
  readonly rows_a: number;
  readonly rows_b: number;
  readonly differences: number;
  readonly first_a: Readonly<Record<string, string | null>> | null;
  readonly first_b: Readonly<Record<string, string | null>> | null;
}

async function compareTable(
  client: pg.ClientBase,
  table: ComparedTable,
  values: readonly unknown[],
): Promise<TableParity> {
  const order = table.key.join(', ');
  const { rows } = await client.query<ComparedRow>(
    `with a as materialized (${table.rows('$1')}
     ), b as materialized (${table.rows('$2')}
     ), paired as (
       select ${order}, a, b from a full join b using (${order})
     ), first as (
       select ${asTexts('a')} as first_a, ${asTexts('b')} as first_b from paired where a is distinct from b order by ${byTime(table)} limit 1
     )
     select
       (select count(*) from a) as rows_a, (select count(*) from b) as rows_b,
       (select count(*) from paired where a is distinct from b) as differences,
       first_a, first_b
     from (values (true)) as one left join first on true`,
    [...values],
  );
  const found = rows[0];
  if (found === undefined) throw new Error('a comparison has one row');
  const { rows_a: rowsA, rows_b: rowsB, differences } = found;
  return { table: table.name, rowsA, rowsB, differences, first: firstDifference(table, found) };
}

/** A row as an object of texts in the order of its columns: JavaScript's numbers do not hold every digit of a numeric. */
function asTexts(row: 'a' | 'b'): string {
  return `(select json_object_agg(e.key, e.value) from json_each_text(to_json(${row})) as e)`;
}

function byTime(table: ComparedTable): string {
  const times = table.key.filter((column) => column.endsWith('ts'));
  return [...times, ...table.key.filter((column) => !times.includes(column))].join(', ');
}

function firstDifference(table: ComparedTable, found: ComparedRow): ParityDifference | null {
  const { first_a: a, first_b: b } = found;
  const row = a ?? b;
  if (row === null) return null;
  const key = table.key.map((column) => `${column} ${textOf(row[column])}`).join(', ');
  if (a === null || b === null) {
    return { table: table.name, key, field: null, a: a && 'present', b: b && 'present' };
  }
  const field = Object.keys(row).find((column) => textOf(a[column]) !== textOf(b[column])) ?? null;
  if (field === null) throw new Error(`rows of ${table.name} differ in no field`);
  return { table: table.name, key, field, a: textOf(a[field]), b: textOf(b[field]) };
}

function textOf(value: string | null | undefined): string | null {
  // JSON writes times with a T.
  return (value ?? null)?.replace(/^(\d{4}-\d{2}-\d{2})T/, '$1 ') ?? null;
}
