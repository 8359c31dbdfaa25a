-- The weekdays on which the NYSE is closed by rule. One-off closures are rows of ref.session_overrides.
create or replace function ref.nyse_holidays(from_year integer, to_year integer)
returns table (session_date date, holiday text)
language sql immutable parallel safe
as $$
  with years as (
    select generate_series(from_year, to_year) as y
  ),
  -- "Third Monday of January" is the Monday on or after the 15th, and so on.
  weekday_rules (holiday, month, first_day, weekday) as (
    values
      ('Martin Luther King Jr. Day', 1, 15, 1),
      ('Washington''s Birthday', 2, 15, 1),
      ('Memorial Day', 5, 25, 1),
      ('Labor Day', 9, 1, 1),
      ('Thanksgiving Day', 11, 22, 4)
  ),
  date_rules (holiday, month, day, first_year) as (
    values
      ('New Year''s Day', 1, 1, 1885),
      ('Juneteenth', 6, 19, 2022),
      ('Independence Day', 7, 4, 1885),
      ('Christmas Day', 12, 25, 1885)
  ),
  movable as (
    select
      make_date(y, month, first_day)
        + (weekday - extract(isodow from make_date(y, month, first_day))::integer + 7) % 7 as day,
      holiday
    from years
    cross join weekday_rules
    union all
    select ref.easter_sunday(y) - 2, 'Good Friday'
    from years
  ),
  fixed as (
    select make_date(y, month, day) as day, holiday
    from years
    cross join date_rules
    where y >= first_year
  ),
  -- NYSE rule 7.2: Saturday is kept on Friday, Sunday on Monday, but never on a last day of an accounting year,
  -- so a Saturday New Year is not kept at all.
  observed as (
    select
      day + case extract(isodow from day)::integer when 6 then -1 when 7 then 1 else 0 end as day,
      holiday
    from fixed
    where not (holiday = 'New Year''s Day' and extract(isodow from day) = 6)
  )
  select day, holiday from movable
  union all
  select day, holiday from observed
  order by 1
$$;
comment on function ref.nyse_holidays(integer, integer) is
  'Full-day NYSE closures by rule, first to last year inclusive, on the weekday where they are observed. Valid from 2015. '
  'Source: NYSE rule 7.2 and the holiday calendars on nyse.com.';
grant execute on function ref.nyse_holidays(integer, integer) to ingest_writer, job_runner;
