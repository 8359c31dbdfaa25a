create or replace function trade.near_event(p_ts timestamp, p_minutes integer) returns text
language sql stable
as $$
  select e.name from ref.events e
  where e.ts >= p_ts - make_interval(mins => p_minutes) and e.ts <= p_ts + make_interval(mins => p_minutes)
  order by e.ts, e.name
  limit 1
$$;
comment on function trade.near_event(timestamp, integer) is 'The first event of ref.events within p_minutes of p_ts, before or after; null where there is none.';
grant execute on function trade.near_event(timestamp, integer) to job_runner;
