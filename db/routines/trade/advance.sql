create or replace function trade.advance(p_run_id bigint, p_to timestamp, p_as_of timestamp, p_from timestamp default null) returns trade.slices
language plpgsql volatile
as $$
declare
  v_run trade.runs;
  v_strategy ref.strategies;
  v_last trade.slices;
  v_slice trade.slices;
  v_context signal.context;
  v_period interval;
  v_open timestamp;
  v_late timestamp;
  v_from timestamp;
  v_to timestamp;
  v_count integer;
  v_columns text;
  v_is_apart boolean := p_from is not null;
begin
  perform engine.plan_by_key();
  if current_setting('transaction_isolation') <> 'repeatable read' then
    raise exception 'advance needs a repeatable read transaction' using errcode = 'SB003';
  end if;
  select * into v_run from trade.runs r where r.run_id = p_run_id;
  if v_run.run_id is null or v_run.ts_ended is not null then
    raise exception 'run % does not exist or has ended', p_run_id using errcode = 'SB002';
  end if;
  if v_is_apart then
    if v_run.mode <> 'backtest' or p_from < v_run.ts_from then
      raise exception 'run % is no backtest, or begins after %', p_run_id, p_from using errcode = 'SB002';
    end if;
    -- Whoever opened the run holds its account. Two slices that met at a row would wait for each other's commit.
    perform set_config('lock_timeout', '1s', true);
  else
    if not pg_try_advisory_xact_lock(hashtextextended('trade.advance ' || v_run.account, 0)) then
      raise exception 'another process advances account %', v_run.account using errcode = 'SB003';
    end if;
    select * into v_last from trade.slices s where s.run_id = p_run_id order by s.ts_to desc limit 1;
  end if;
  v_slice.run_id := p_run_id;
  v_slice.ts_from := coalesce(p_from, v_last.ts_to, v_run.ts_from);
  v_slice.ts_to := least(p_to, v_run.ts_to);
  v_slice.ts_as_of := p_as_of;
  if v_slice.ts_to <= v_slice.ts_from then
    return null;
  end if;
  v_strategy := jsonb_populate_record(null::ref.strategies, v_run.params);
  v_context := row(
    p_run_id, v_run.instrument_id, v_run.tick_feed_id, p_as_of, v_strategy.period_ms, v_strategy.ma_minutes, v_run.quote_feed_id, v_run.params
  )::signal.context;
  v_columns := signal.columns_of(v_strategy.signal_routine);

  v_slice.revisions := 0;
  if v_slice.ts_from = v_run.ts_from then
    -- A run that begins in mid-session looks back to the open: those periods are stored, and nothing is decided on them.
    v_context.run_id := null;
    perform signal.append_periods(s.ts_open, v_slice.ts_from, v_context, v_strategy.option_root, v_run.quote_feed_id, p_run_id, false)
    from ref.sessions s where s.session_date = v_slice.ts_from::date and s.ts_open < v_slice.ts_from;
    v_context.run_id := p_run_id;
  end if;
  -- Late rows are looked for when a period may close: more often is of no use to anyone.
  v_period := make_interval(secs => v_strategy.period_ms / 1000.0);
  select x.ts_open into v_open from ref.sessions x where x.session_date = v_slice.ts_to::date;
  if not v_is_apart and date_bin(v_period, v_slice.ts_to, coalesce(v_open, v_slice.ts_to::date)) > v_slice.ts_from then
    v_late := signal.earliest_late_period(p_run_id, v_slice.ts_from, v_context);
    if v_late is not null then
      v_slice.revisions := signal.append_periods(
        v_late - v_period, least(v_slice.ts_from, v_late::date + interval '1 day'), v_context, v_strategy.option_root,
        v_run.quote_feed_id, p_run_id, true
      );
    end if;
  end if;
  v_slice.periods := 0;
  v_slice.signals := 0;
  -- One session at a time: what a call holds in memory does not grow with its range.
  for v_from, v_to in
    select greatest(v_slice.ts_from, d), least(v_slice.ts_to, d + interval '1 day')
    from generate_series(date_trunc('day', v_slice.ts_from), v_slice.ts_to - interval '1 microsecond', interval '1 day') as d
  loop
    -- A day without a session matters to a position that is carried over it, and to nothing else.
    continue when not exists (select from ref.sessions x where x.session_date = v_from::date)
      and not exists (
        select from trade.position_slots p
        where p.account = v_run.account and p.strategy = v_run.strategy and p.position_id is not null
      );
    v_count := signal.append_periods(v_from, v_to, v_context, v_strategy.option_root, v_run.quote_feed_id, p_run_id, false);
    v_slice.periods := v_slice.periods + v_count;
    if v_count > 0 then
      execute format(
        'insert into signal.signals (run_id, instrument_id, %1$s) select $4, $5, %1$s from %2$s($1, $2, $3) s', v_columns,
        v_strategy.signal_routine::regproc
      ) using v_from, v_to, v_context, p_run_id, v_run.instrument_id;
      get diagnostics v_count = row_count;
      v_slice.signals := v_slice.signals + v_count;
      perform ref.spread_id(x.legs) from signal.signals x
      where v_strategy.structure = 'credit_vertical' and x.run_id = p_run_id and x.instrument_id = v_run.instrument_id
        and x.ts > v_from and x.ts <= v_to and x.legs is not null;
    end if;
    call trade.walk(v_run, v_strategy, v_from, v_to, p_as_of, v_is_apart);
  end loop;
  select count(*) into v_slice.fills
  from trade.fills f where f.run_id = p_run_id and f.ts >= v_slice.ts_from and f.ts < v_slice.ts_to;
  insert into trade.slices select v_slice.*;
  if v_run.mode = 'live' and v_last.ts_to::date < v_slice.ts_to::date then
    perform trade.store_days(p_run_id, v_slice.ts_to::date);
  end if;
  return v_slice;
end
$$;
comment on function trade.advance(bigint, timestamp, timestamp, timestamp) is
  'Takes a run from where it stands to p_to: late rows, periods, signals, decisions, intents, paper fills, one slices row. Reads only what was received '
  'by p_as_of, never the clock. Call it in a repeatable read transaction that holds nothing else (SB003); returns the slice, or null when there is '
  'nothing to do. SB002: the run has ended. With p_from, at the end of a session, the slice is taken apart from those before it, as if they had left no '
  'position: for backtests (SB002), committed in order and only if that was so: jobs/side_by_side.ts.';
grant execute on function trade.advance(bigint, timestamp, timestamp, timestamp) to job_runner;
