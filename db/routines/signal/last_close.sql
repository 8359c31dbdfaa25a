create or replace function signal.last_close(p_instrument_id integer, p_feed_id smallint, p_ts timestamp, p_as_of timestamp) returns integer
language plpgsql stable
-- Planned with the day at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
as $$
begin
  return (
    select t.close_e4 from market.equity_ticks t
    where t.instrument_id = p_instrument_id
      and t.feed_id = p_feed_id
      and t.ts_event >= date_trunc('day', p_ts)
      and t.ts_event + make_interval(secs => t.span_ms / 1000.0) <= p_ts
      and t.ts_event <= p_ts
      and t.ts_recv <= p_as_of
    order by t.ts_event desc, t.seq desc
    limit 1
  );
end
$$;
comment on function signal.last_close(integer, smallint, timestamp, timestamp) is
  'The last price of an equity or index known at p_ts, 1/10,000 dollar: of the last print, or of the last aggregate that was over by then; null where that day has none.';
grant execute on function signal.last_close(integer, smallint, timestamp, timestamp) to ingest_writer, job_runner, backup;
