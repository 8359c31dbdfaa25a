create or replace function signal.earliest_late_tick(p_run trade.runs, p_advanced_to timestamp, p_seen timestamp, p_as_of timestamp)
returns timestamp
language plpgsql stable
-- Planned with the range at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
as $$
declare
  v_open timestamp;
begin
  select s.ts_open into v_open from ref.sessions s where s.ts_open < p_advanced_to and s.session_date = p_advanced_to::date;
  if not found then
    return null;
  end if;
  return (
    -- The start of the tick's minute: its period is the first that closes after it.
    select date_trunc('minute', min(t.ts_event))
    from market.equity_ticks t
    where t.instrument_id = p_run.instrument_id
      and t.feed_id = p_run.tick_feed_id
      and t.ts_event >= greatest(v_open, p_run.ts_from)
      and t.ts_event < p_advanced_to
      and t.ts_recv > p_seen
      and t.ts_recv <= p_as_of
  );
end
$$;
comment on function signal.earliest_late_tick(trade.runs, timestamp, timestamp, timestamp) is
  'Minute of the earliest tick of the current session that came, after p_seen and by p_as_of, below p_advanced_to; null if none did.';
grant execute on function signal.earliest_late_tick(trade.runs, timestamp, timestamp, timestamp) to job_runner;
