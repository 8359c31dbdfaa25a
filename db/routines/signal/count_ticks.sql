create or replace function signal.count_ticks(p_from timestamp, p_to timestamp, p_context signal.context) returns bigint
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
begin
  return (
    select count(*) from market.equity_ticks t
    where t.instrument_id = p_context.instrument_id
      and t.feed_id = p_context.feed_id
      and t.ts_event >= p_from
      and t.ts_event < p_to
      and t.ts_recv <= p_context.as_of
  );
end
$$;
comment on function signal.count_ticks(timestamp, timestamp, signal.context) is
  'Ticks of one feed in [p_from, p_to) that were received by as_of.';
grant execute on function signal.count_ticks(timestamp, timestamp, signal.context) to job_runner;
