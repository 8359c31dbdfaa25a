create or replace function trade.has_whole_ticks(p_run trade.runs, p_end timestamp, p_as_of timestamp) returns boolean
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
declare
  v_span_ms integer := (select f.span_ms from ref.feeds f where f.feed_id = p_run.tick_feed_id);
begin
  -- Whoever prints nothing for a moment has nothing more to say of the period; an aggregate is told when it is over.
  return v_span_ms = 0 and p_as_of >= p_end + interval '150 milliseconds' or exists (
    select from market.equity_ticks t
    where t.instrument_id = p_run.instrument_id
      and t.feed_id = p_run.tick_feed_id
      and t.ts_event >= p_end - make_interval(secs => v_span_ms / 1000.0)
      and t.ts_event < p_end + interval '1 minute'
      and t.ts_recv <= p_as_of
  );
end
$$;
comment on function trade.has_whole_ticks(trade.runs, timestamp, timestamp) is
  'Whether the period that ends at p_end has, by what was received by p_as_of, all its ticks but those that come late: one that reaches its end is there, '
  'or the feed is one of prints and 150 ms have passed.';
grant execute on function trade.has_whole_ticks(trade.runs, timestamp, timestamp) to job_runner;
