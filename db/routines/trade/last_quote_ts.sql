create or replace function trade.last_quote_ts(p_run trade.runs, p_instrument_id integer, p_before timestamp, p_as_of timestamp) returns timestamp
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
begin
  return (
    select max(o.ts_event) from market.option_quotes o
    where o.instrument_id = p_instrument_id
      and o.feed_id = p_run.quote_feed_id
      and o.ts_event >= p_before::date
      and o.ts_event < p_before
      and o.ts_recv <= p_as_of
  );
end
$$;
comment on function trade.last_quote_ts(trade.runs, integer, timestamp, timestamp) is
  'When the last quote of a contract came that day before p_before; null if there was none.';
grant execute on function trade.last_quote_ts(trade.runs, integer, timestamp, timestamp) to job_runner;
