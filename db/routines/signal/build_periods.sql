create or replace function signal.build_periods(p_from timestamp, p_to timestamp, p_context signal.context)
returns setof signal.period_values
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
declare
  v_period interval := make_interval(secs => p_context.period_ms / 1000.0);
  -- Of periods longer than a minute, what is said of minutes holds for periods.
  v_per_minute integer := greatest(60000 / p_context.period_ms, 1);
  v_sessions ref.sessions[];
  v_session ref.sessions;
  v_nth_session integer := 1;
  v_look_back timestamp;
  v_raw_from timestamp;
  v_near timestamp;
  v_end timestamp;
  v_last timestamp;
  k record;
  v_row signal.period_values;
  -- Of the period that ends at v_end.
  v_open_e4 integer;
  v_high_e4 integer;
  v_low_e4 integer;
  v_tick_close_e4 integer;
  v_volume bigint;
  v_notional numeric;
  v_count integer := 0;
  v_is_typical boolean;
  -- Of the session up to there.
  v_close_e4 integer;
  v_close_sum bigint;
  v_nth integer := 0;
  v_place integer;
  v_volumes bigint[] := '{}';
  v_notionals numeric[] := '{}';
  v_closes integer[] := '{}';
  v_close_sums bigint[] := '{}';
  v_minute_volume bigint := 0;
  v_minute_notional numeric := 0;
  v_session_volume bigint := 0;
  v_session_notional numeric := 0;
begin
  v_sessions := signal.sessions_between(p_from, p_to);
  if v_sessions = '{}' then
    return;
  end if;
  -- Look-back reaches to the open of the first session touched, so a period never depends on where the range begins.
  v_session := v_sessions[1];
  v_look_back := v_session.ts_open;
  v_last := least(v_session.ts_close, p_to);
  v_raw_from := v_look_back;
  v_near := v_look_back;
  if p_context.run_id is not null then
    -- A run has stored the periods up to p_from: only the open one and later are built from ticks, those that are revised too.
    v_raw_from := greatest(v_look_back, date_bin(v_period, p_from, v_look_back));
    -- The averages reach back over the last of them; of those before them only the session's sums are needed.
    v_near := greatest(v_look_back, v_raw_from - v_per_minute * p_context.ma_minutes * v_period);
    select b.volume_e6, b.notional_e12 into v_session_volume, v_session_notional
    from signal.stored_sums(v_look_back, v_near, p_context) b;
  end if;
  v_end := v_near + v_period;
  -- One pass in time order, the sums carried along: windows would sort and copy every row several times over. An append reads its parts in turn.
  for k in
    (
      select distinct on (p.ts)
        p.ts - interval '1 microsecond' as ts, p.open_e4, p.high_e4, p.low_e4, p.close_e4, p.volume_e6, p.notional_e12, p.tick_count,
        p.vwap_is_typical
      from signal.periods p
      where p.run_id = p_context.run_id and p.instrument_id = p_context.instrument_id and p.ts > v_near and p.ts <= v_raw_from
      order by p.ts, p.revision desc
    )
    union all
    (
      select t.ts_event, t.open_e4, t.high_e4, t.low_e4, t.close_e4, t.volume_e6, t.vwap_e6 * t.volume_e6::numeric, 1, t.vwap_is_typical
      from market.equity_ticks t
      where t.instrument_id = p_context.instrument_id
        and t.feed_id = p_context.feed_id
        and t.ts_event >= v_raw_from
        and t.ts_event < p_to
        and t.ts_recv <= p_context.as_of
      order by t.ts_event, t.seq
    )
    union all
    select 'infinity', null, null, null, null, null, null, null, null
  loop
    -- What ends before this tick is complete.
    while k.ts >= v_end loop
      if v_end > v_last then
        v_nth_session := v_nth_session + 1;
        exit when v_nth_session > cardinality(v_sessions);
        v_session := v_sessions[v_nth_session];
        v_last := least(v_session.ts_close, p_to);
        v_end := v_session.ts_open + v_period;
        v_nth := 0;
        v_close_e4 := null;
        v_volumes := '{}';
        v_notionals := '{}';
        v_closes := '{}';
        v_close_sums := '{}';
        v_minute_volume := 0;
        v_minute_notional := 0;
        v_session_volume := 0;
        v_session_notional := 0;
      else
        v_nth := v_nth + 1;
        -- A stored period without a tick has a close too, that of the ones before it.
        v_close_e4 := coalesce(v_tick_close_e4, v_close_e4);
        if v_count = 0 then
          v_open_e4 := null;
          v_high_e4 := null;
          v_low_e4 := null;
          v_volume := 0;
          v_notional := 0;
          v_is_typical := false;
        end if;
        v_session_volume := v_session_volume + v_volume;
        v_session_notional := v_session_notional + v_notional;
        if v_per_minute = 1 then
          v_minute_volume := v_volume;
          v_minute_notional := v_notional;
        else
          v_minute_volume := v_minute_volume + v_volume - coalesce(v_volumes[v_nth - v_per_minute], 0);
          v_minute_notional := v_minute_notional + v_notional - coalesce(v_notionals[v_nth - v_per_minute], 0);
          v_volumes[v_nth] := v_volume;
          v_notionals[v_nth] := v_notional;
        end if;
        v_closes[v_nth] := v_close_e4;
        -- One close a minute, so there is a sum for each place of a period in its minute.
        v_place := v_nth % v_per_minute;
        v_close_sum := coalesce(v_close_sums[v_place], 0) + coalesce(v_close_e4, 0)
          - coalesce(v_closes[v_nth - v_per_minute * p_context.ma_minutes], 0);
        v_close_sums[v_place] := v_close_sum;
        if v_end > p_from then
          -- An average is complete when its oldest close is there; those before the first tick of a session are missing.
          if v_closes[v_nth - v_per_minute * (p_context.ma_minutes - 1)] is null then
            v_close_sum := null;
          end if;
          v_row := row(
            v_end, v_session.session_date, v_open_e4, v_high_e4, v_low_e4, v_close_e4, v_volume, v_notional, v_count, v_is_typical,
            -- Rounded half up in whole numbers: the same digits on every engine.
            case when v_minute_volume > 0 then div(2 * v_minute_notional + v_minute_volume, 2 * v_minute_volume) end,
            case when v_session_volume > 0 then div(2 * v_session_notional + v_session_volume, 2 * v_session_volume) end,
            v_close_sum,
            (200 * v_close_sum + p_context.ma_minutes) / (2 * p_context.ma_minutes)
          )::signal.period_values;
          return next v_row;
        end if;
        v_end := v_end + v_period;
      end if;
      v_count := 0;
      v_tick_close_e4 := null;
    end loop;
    -- Before the open.
    continue when k.ts < v_end - v_period;
    if v_count = 0 then
      v_open_e4 := k.open_e4;
      v_high_e4 := k.high_e4;
      v_low_e4 := k.low_e4;
      v_volume := k.volume_e6;
      v_notional := k.notional_e12;
      v_count := k.tick_count;
      v_is_typical := k.vwap_is_typical;
    else
      v_high_e4 := greatest(v_high_e4, k.high_e4);
      v_low_e4 := least(v_low_e4, k.low_e4);
      v_volume := v_volume + k.volume_e6;
      v_notional := v_notional + k.notional_e12;
      v_count := v_count + k.tick_count;
      v_is_typical := v_is_typical or k.vwap_is_typical;
    end if;
    v_tick_close_e4 := k.close_e4;
  end loop;
end
$$;
comment on function signal.build_periods(timestamp, timestamp, signal.context) is
  'The normalised periods that close in (p_from, p_to]: one for every session period, empty ones too. Built from the ticks of one feed received '
  'by as_of, each from [ts - period, ts); sums are over integers, so neither the order of rows nor the cut into slices changes a digit.';
grant execute on function signal.build_periods(timestamp, timestamp, signal.context) to job_runner;
