create or replace function signal.ticks_by_period(p_from timestamp, p_to timestamp, p_open timestamp, p_context signal.context)
returns table (ts timestamp, ticks bigint)
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
begin
  return query
  select date_bin(make_interval(secs => p_context.period_ms / 1000.0), t.ts_event, p_open) + make_interval(secs => p_context.period_ms / 1000.0), count(*)
  from market.equity_ticks t
  where t.instrument_id = p_context.instrument_id
    and t.feed_id = p_context.feed_id
    and t.ts_event >= p_from
    and t.ts_event < p_to
    and t.ts_recv <= p_context.as_of
  group by 1;
end
$$;
comment on function signal.ticks_by_period(timestamp, timestamp, timestamp, signal.context) is
  'How many ticks of one feed in [p_from, p_to) were received by as_of, by the end of the period they are in; periods are counted from p_open.';
grant execute on function signal.ticks_by_period(timestamp, timestamp, timestamp, signal.context) to job_runner;
