create or replace function signal.sessions_between(p_from timestamp, p_to timestamp) returns ref.sessions[]
language plpgsql stable
-- By key, also where the caller's own statements are planned with their values.
set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select s from ref.sessions s
    where s.session_date >= p_from::date and s.session_date <= p_to::date and s.ts_close > p_from and s.ts_open < p_to
    order by s.session_date
  );
end
$$;
comment on function signal.sessions_between(timestamp, timestamp) is 'The sessions that are open at some time in (p_from, p_to), in order.';
grant execute on function signal.sessions_between(timestamp, timestamp) to job_runner;
