create or replace function signal.build_periods(p_from timestamp, p_to timestamp, p_context signal.context)
returns setof signal.period_values
language plpgsql stable
as $$
declare
  v_period interval := make_interval(secs => p_context.period_ms / 1000.0);
  -- Of periods longer than a minute, what is said of minutes holds for periods.
  v_per_minute integer := greatest(60000 / p_context.period_ms, 1);
  v_look_back timestamp;
  v_raw_from timestamp;
  v_near timestamp;
  v_volume_before bigint := 0;
  v_notional_before numeric := 0;
  k record;
  v_row signal.period_values;
  v_session_date date;
  v_close_e4 integer;
  v_close_sum bigint;
  v_nth integer;
  v_place integer;
  v_volumes bigint[];
  v_notionals numeric[];
  v_closes integer[];
  v_close_sums bigint[];
  v_minute_volume bigint;
  v_minute_notional numeric;
  v_session_volume bigint;
  v_session_notional numeric;
begin
  -- Look-back reaches to the open of the first session touched, so a period never depends on where the range begins.
  select s.ts_open into v_look_back
  from ref.sessions s
  where s.session_date >= p_from::date and s.session_date <= p_to::date and s.ts_close > p_from and s.ts_open < p_to
  order by s.session_date
  limit 1;
  if not found then
    return;
  end if;
  -- A run has stored the periods up to p_from: only the open one and later are built from ticks.
  v_raw_from := v_look_back;
  if p_context.run_id is not null then
    v_raw_from := greatest(v_look_back, date_bin(v_period, p_from, v_look_back));
    -- The averages reach back over the last of them; of those before them only the session's sums are needed.
    v_near := v_raw_from - v_per_minute * p_context.ma_minutes * v_period;
    select coalesce(sum(b.volume_e6), 0)::bigint, coalesce(sum(b.notional_e12), 0) into v_volume_before, v_notional_before
    from (
      select distinct on (p.ts) p.volume_e6, p.notional_e12
      from signal.periods p
      where p.run_id = p_context.run_id and p.instrument_id = p_context.instrument_id and p.ts > v_look_back and p.ts <= v_near
      order by p.ts, p.revision desc
    ) b;
  end if;
  -- One pass in time order, the sums carried along: windows would sort and copy every row several times over.
  for k in
    select
      c.session_date, c.ts, t.open_e4, t.high_e4, t.low_e4, t.close_e4, coalesce(t.volume_e6, 0) as volume_e6,
      coalesce(t.notional_e12, 0) as notional_e12, coalesce(t.tick_count, 0) as tick_count,
      coalesce(t.vwap_is_typical, false) as vwap_is_typical
    from (
      select s.session_date, g.ts
      from ref.sessions s
      cross join lateral generate_series(
        greatest(s.ts_open, v_raw_from) + v_period, least(s.ts_close, p_to), v_period
      ) as g (ts)
      where s.session_date >= p_from::date and s.session_date <= p_to::date and s.ts_close > v_raw_from and s.ts_open < p_to
    ) c
    left join signal.tick_bars(v_raw_from, p_to, p_context, v_look_back) t on t.ts = c.ts
    union all
    (
      select distinct on (p.ts)
        p.session_date, p.ts, p.open_e4, p.high_e4, p.low_e4, p.close_e4, p.volume_e6, p.notional_e12, p.tick_count, p.vwap_is_typical
      from signal.periods p
      where p.run_id = p_context.run_id
        and p.instrument_id = p_context.instrument_id
        and p.ts > greatest(v_look_back, v_near)
        and p.ts <= v_raw_from
      order by p.ts, p.revision desc
    )
    order by ts
  loop
    if k.session_date is distinct from v_session_date then
      v_session_date := k.session_date;
      v_nth := 0;
      v_close_e4 := null;
      v_volumes := '{}';
      v_notionals := '{}';
      v_closes := '{}';
      v_close_sums := '{}';
      v_minute_volume := 0;
      v_minute_notional := 0;
      v_session_volume := v_volume_before;
      v_session_notional := v_notional_before;
      v_volume_before := 0;
      v_notional_before := 0;
    end if;
    v_nth := v_nth + 1;
    v_close_e4 := coalesce(k.close_e4, v_close_e4);
    v_session_volume := v_session_volume + k.volume_e6;
    v_session_notional := v_session_notional + k.notional_e12;
    if v_per_minute = 1 then
      v_minute_volume := k.volume_e6;
      v_minute_notional := k.notional_e12;
    else
      v_minute_volume := v_minute_volume + k.volume_e6 - coalesce(v_volumes[v_nth - v_per_minute], 0);
      v_minute_notional := v_minute_notional + k.notional_e12 - coalesce(v_notionals[v_nth - v_per_minute], 0);
      v_volumes[v_nth] := k.volume_e6;
      v_notionals[v_nth] := k.notional_e12;
    end if;
    v_closes[v_nth] := v_close_e4;
    -- One close a minute, so there is a sum for each place of a period in its minute.
    v_place := v_nth % v_per_minute;
    v_close_sum := coalesce(v_close_sums[v_place], 0) + coalesce(v_close_e4, 0)
      - coalesce(v_closes[v_nth - v_per_minute * p_context.ma_minutes], 0);
    v_close_sums[v_place] := v_close_sum;
    continue when k.ts <= p_from;
    -- An average is complete when its oldest close is there; those before the first tick of a session are missing.
    if v_closes[v_nth - v_per_minute * (p_context.ma_minutes - 1)] is null then
      v_close_sum := null;
    end if;
    v_row := row(
      k.ts, k.session_date, k.open_e4, k.high_e4, k.low_e4, v_close_e4, k.volume_e6, k.notional_e12, k.tick_count, k.vwap_is_typical,
      -- Rounded half up in whole numbers: the same digits on every engine.
      case when v_minute_volume > 0 then div(2 * v_minute_notional + v_minute_volume, 2 * v_minute_volume) end,
      case when v_session_volume > 0 then div(2 * v_session_notional + v_session_volume, 2 * v_session_volume) end,
      v_close_sum,
      (200 * v_close_sum + p_context.ma_minutes) / (2 * p_context.ma_minutes)
    )::signal.period_values;
    return next v_row;
  end loop;
end
$$;
comment on function signal.build_periods(timestamp, timestamp, signal.context) is
  'The normalised periods that close in (p_from, p_to]: one for every session period, empty ones too. Built from the ticks of one feed received '
  'by as_of, each from [ts - period, ts); sums are over integers, so neither the order of rows nor the cut into slices changes a digit.';
grant execute on function signal.build_periods(timestamp, timestamp, signal.context) to job_runner;
