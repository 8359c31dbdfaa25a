-- The exchange calendar: rules plus the one-off rows of ref.session_overrides.
create or replace function ref.nyse_sessions(from_year integer, to_year integer)
returns table (
  session_date date,
  ts_open timestamp,
  ts_close timestamp,
  ts_option_close timestamp,
  is_early_close boolean
)
language sql stable parallel safe
as $$
  with weekdays as (
    select day
    from generate_series(0, make_date(to_year, 12, 31) - make_date(from_year, 1, 1)) as offsets (n)
    cross join lateral (select make_date(from_year, 1, 1) + n as day) as days
    where extract(isodow from day) < 6
  ),
  holidays as (
    select h.session_date as day, h.holiday
    from ref.nyse_holidays(from_year, to_year) as h
  ),
  early_closes as (
    select day + 1 as day
    from holidays
    where holiday = 'Thanksgiving Day'
    union all
    -- The eve, where it is a weekday before a weekday holiday: Monday to Thursday.
    select make_date(y, month, eve)
    from generate_series(from_year, to_year) as years (y)
    cross join (values (7, 3), (12, 24)) as eves (month, eve)
    where extract(isodow from make_date(y, month, eve)) < 5
  ),
  sessions as (
    select
      w.day,
      coalesce(o.ts_close, w.day + case when e.day is null then time '16:00' else time '13:00' end) as ts_close
    from weekdays as w
    left join holidays as h on h.day = w.day
    left join early_closes as e on e.day = w.day
    left join ref.session_overrides as o on o.session_date = w.day
    -- An override has the last word, also where it opens a day that the rules close.
    where coalesce(not o.is_closed, h.day is null)
  )
  select
    day,
    day + time '09:30',
    ts_close,
    ts_close + interval '15 minutes',
    ts_close < day + time '16:00'
  from sessions
  order by day
$$;
comment on function ref.nyse_sessions(integer, integer) is
  'NYSE sessions of the years from first to last inclusive, Eastern wall clock, overrides applied. Options on QQQ, SPY and SPX '
  'close 15 minutes after the equity session. Valid 2015-2035 as far as the rules stay what they are.';
grant execute on function ref.nyse_sessions(integer, integer) to ingest_writer, job_runner;
