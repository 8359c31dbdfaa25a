// Pieces of SQL that pages share. Times are stored as Eastern wall clock: a query compares bare columns with the range turned Eastern, and turns what it
// shows back into instants. Grafana's $__timeFilter would compare wall clock with UTC and be hours off.

/** Start and end of the dashboard's range as Eastern wall-clock time: constants when the query is planned. */
export const FROM = 'ref.eastern($__timeFrom()::timestamptz)';
export const TO = 'ref.eastern($__timeTo()::timestamptz)';

/** An Eastern column inside the range. */
export function inRange(column: string): string {
  return `${column} >= ${FROM} and ${column} <= ${TO}`;
}

/** A date column inside the range: whole days. */
export function onDaysInRange(column: string): string {
  return `${column} >= ${FROM}::date and ${column} <= ${TO}::date`;
}

// With nothing to choose from Grafana leaves $run empty, which an array bears and a list in brackets does not.
const CHOSEN = 'c.choice = any (array[$run]::text[])';

/** Ids of the chosen runs. Planned as a constant, which views that group by run can be searched by. */
export const RUN_IDS = `array(select c.run_id from panel.run_choices c where ${CHOSEN})`;

/** The newest of the chosen runs, for pictures that can show one only. */
export const NEWEST_RUN_ID = `(select max(c.run_id) from panel.run_choices c where ${CHOSEN})`;

/** CTE `chosen (run_id, choice, choice_no, …)`; the number stands for the name where thousands of rows are sorted. */
export const CHOSEN_CTE = `chosen as (
  select c.*, dense_rank() over (order by c.choice) as choice_no from panel.run_choices c where ${CHOSEN}
)`;

/**
 * CTE `trips (choice, choice_no, position_id, session_date, ts_entry, ts_exit, gross, fees, net, net_e4)`: all closed positions of the chosen runs; needs
 * CHOSEN_CTE.
 */
export const TRIPS_CTE = tripsCte('');

/** The same of sessions from a date on: years before it cost nothing. */
export function tripsSinceCte(date: string): string {
  return tripsCte(` and t.session_date >= ${date}`);
}

function tripsCte(condition: string): string {
  return `trips as (
  select c.choice, c.choice_no, t.position_id, t.session_date, t.ts_entry, t.ts_exit, t.gross, t.fees, t.net, t.net_e4
  from panel.trip_pl t
  join chosen c on c.run_id = t.run_id
  where t.run_id = any (array(select run_id from chosen))${condition}
)`;
}

/** Ids of the positions that the chosen runs decided on from the start of the range's first day on. */
export const POSITION_IDS = `array(
    select d.decision_id from panel.decisions d
    where d.run_id = any (${RUN_IDS}) and d.kind = 'entry' and d.verdict = 'TRADE' and d.ts >= ${FROM}::date
  )`;

/** Of the range's days. */
export const RANGE_TRIPS_CTE = tripsSinceCte(`${FROM}::date`);

// Rows and not the default range: where nothing is tied, looking for ties is what takes the time.
const IN_ORDER = 'order by ts_exit, position_id rows unbounded preceding';

/** CTE `running (choice, choice_no, position_id, ts_exit, net_e4, equity_e4)`: net since the first trade, up to the range's end; needs TRIPS_CTE. */
export const RUNNING_CTE = `running as (
  select
    t.choice, t.choice_no, t.position_id, t.ts_exit, t.net_e4,
    sum(t.net_e4) over (partition by t.choice_no ${IN_ORDER}) as equity_e4
  from trips t
  where t.ts_exit <= ${TO}
)`;

/** CTE `curve`: the same with `high_water_e4`, the highest of it so far. */
export const CURVE_CTE = `${RUNNING_CTE}, curve as (
  select r.*, greatest(max(r.equity_e4) over (partition by r.choice_no ${IN_ORDER}), 0) as high_water_e4
  from running r
)`;

/** Text that names a row by its choice, where there are several. */
export const RUN_NAME = "case when count(*) over () > 1 then c.choice else '' end as run";

/** Start of the point of time that an Eastern column falls into: as many as the panel is wide. */
export function bucket(column: string): string {
  return `date_bin(interval '$__interval_ms milliseconds', ${column}, timestamp '2000-01-01')`;
}

/** The id that a variable holds; null where it has no value. */
export function idOf(variable: string): string {
  return `nullif('$${variable}', '')::bigint`;
}

/** CTE `p`: the chosen position. */
export const POSITION_CTE = `p as (
  select * from panel.positions where position_id = ${idOf('position')}
)`;

/**
 * CTE `minutes (session_date, ts, open, high, low, close, volume, vwap, session_vwap, ma9)`: panel.equity_indicators for one symbol, feed and range, which
 * is what makes it quick. It stands here and not in a function: TimescaleDB lets nobody but its owner read a continuous aggregate inside one.
 */
export function minutesCte(): string {
  return `bars as (
  select b.ts_open, b.open, b.high, b.low, b.close, b.volume, b.vwap
  from panel.bars_1m b
  where b.symbol = '$symbol' and b.feed = '$feed' and b.ts_open >= date_trunc('day', ${FROM}) and b.ts_open < ${TO}
), days as (
  select s.session_date, s.ts_open, max(b.ts_open) as ts_last
  from panel.sessions s
  join bars b on b.ts_open >= s.ts_open and b.ts_open < s.ts_close
  where ${onDaysInRange('s.session_date')}
  group by s.session_date, s.ts_open
), filled as (
  select
    d.session_date, g.ts_open, b.open, b.high, b.low, b.close, coalesce(b.volume, 0) as volume, b.vwap,
    count(b.close) over (partition by d.session_date order by g.ts_open) as closes_so_far
  from days d
  cross join lateral generate_series(d.ts_open, d.ts_last, interval '1 minute') as g (ts_open)
  left join bars b on b.ts_open = g.ts_open
), carried as (
  select f.*, max(f.close) over (partition by f.session_date, f.closes_so_far) as last_close
  from filled f
), minutes as (
  select
    c.session_date, c.ts_open + interval '1 minute' as ts, c.open, c.high, c.low, c.last_close as close, c.volume, c.vwap,
    round(sum(c.vwap * c.volume) over in_session / nullif(sum(c.volume) over in_session, 0), 6) as session_vwap,
    case when count(c.last_close) over nine = 9 then round(avg(c.last_close) over nine, 6) end as ma9
  from carried c
  window
    in_session as (partition by c.session_date order by c.ts_open),
    nine as (partition by c.session_date order by c.ts_open rows 8 preceding)
)`;
}
