create or replace function signal.append_ahead(p_run_id bigint, p_from timestamp, p_to timestamp, p_as_of timestamp) returns integer
language plpgsql volatile
as $$
declare
  v_run trade.runs;
  v_strategy ref.strategies;
  v_context signal.context;
  v_session_date date;
  v_count integer := 0;
begin
  perform engine.plan_by_key();
  -- The slice that follows waits for the disk, and for everything before it.
  perform set_config('synchronous_commit', 'off', true);
  select * into v_run from trade.runs r where r.run_id = p_run_id;
  -- Rows that arrive while a market is open belong to the slice that sees them: only a backtest has all of them.
  if v_run.run_id is null or v_run.ts_ended is not null or v_run.mode <> 'backtest' then
    raise exception 'run % does not exist, has ended, or is no backtest', p_run_id using errcode = 'SB002';
  end if;
  v_strategy := jsonb_populate_record(null::ref.strategies, v_run.params);
  v_context := row(
    p_run_id, v_run.instrument_id, v_run.tick_feed_id, p_as_of, v_strategy.period_ms, v_strategy.ma_minutes, v_run.quote_feed_id, v_run.params
  )::signal.context;
  for v_session_date in
    select s.session_date from ref.sessions s where s.ts_open >= p_from and s.ts_close <= p_to order by s.session_date
  loop
    v_count := v_count + signal.append_periods(
      v_session_date::timestamp, v_session_date + interval '1 day', v_context, v_strategy.option_root, v_run.quote_feed_id, p_run_id, false
    );
  end loop;
  return v_count;
end
$$;
comment on function signal.append_ahead(bigint, timestamp, timestamp, timestamp) is
  'Stores the periods of the whole sessions in [p_from, p_to] before trade.advance comes to them: it then finds what it would have stored itself, if it is '
  'given the same as_of. Backtests only (SB002). Returns their number.';
grant execute on function signal.append_ahead(bigint, timestamp, timestamp, timestamp) to job_runner;
