create or replace function signal.build_periods(p_from timestamp, p_to timestamp, p_context signal.context)
returns setof signal.period_values
language plpgsql stable
as $$
declare
  v_period interval := make_interval(secs => p_context.period_ms / 1000.0);
  v_per_minute integer := 60000 / p_context.period_ms;
  v_ma_rows integer := p_context.ma_minutes - 1;
  v_look_back timestamp;
  v_raw_from timestamp;
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
  end if;
  return query
  with closes as (
    select s.session_date, g.ts
    from ref.sessions s
    cross join lateral generate_series(
      greatest(s.ts_open, v_raw_from) + v_period, least(s.ts_close, p_to), v_period
    ) as g (ts)
    where s.session_date >= p_from::date and s.session_date <= p_to::date and s.ts_close > v_raw_from and s.ts_open < p_to
  ), ticks as (
    select * from signal.tick_bars(v_raw_from, p_to, p_context, v_look_back)
  ), known as (
    select
      c.session_date, c.ts, t.open_e4, t.high_e4, t.low_e4, t.close_e4, coalesce(t.volume_e6, 0) as volume_e6,
      coalesce(t.notional_e12, 0) as notional_e12, coalesce(t.tick_count, 0) as tick_count,
      coalesce(t.vwap_is_typical, false) as vwap_is_typical
    from closes c
    left join ticks t on t.ts = c.ts
    union all
    (
      select distinct on (p.ts)
        p.session_date, p.ts, p.open_e4, p.high_e4, p.low_e4,
        -- An empty period's close is carried, not its own.
        case when p.tick_count > 0 then p.close_e4 end,
        p.volume_e6, p.notional_e12, p.tick_count, p.vwap_is_typical
      from signal.periods p
      where p.run_id = p_context.run_id
        and p.instrument_id = p_context.instrument_id
        and p.ts > v_look_back
        and p.ts <= v_raw_from
      order by p.ts, p.revision desc
    )
  ), numbered as (
    select
      k.*,
      row_number() over session as nth,
      count(k.close_e4) over session as closes_so_far,
      sum(k.volume_e6) over session as session_volume,
      sum(k.notional_e12) over session as session_notional,
      sum(k.volume_e6) over minute as minute_volume,
      sum(k.notional_e12) over minute as minute_notional
    from known k
    window
      session as (partition by k.session_date order by k.ts),
      minute as (partition by k.session_date order by k.ts rows v_per_minute - 1 preceding)
  ), carried as (
    select n.*, max(n.close_e4) over (partition by n.session_date, n.closes_so_far) as last_close_e4
    from numbered n
  ), averaged as (
    select
      c.*,
      sum(c.last_close_e4) over one_a_minute as close_sum,
      count(c.last_close_e4) over one_a_minute as close_count
    from carried c
    window one_a_minute as (partition by c.session_date, c.nth % v_per_minute order by c.ts rows v_ma_rows preceding)
  )
  select
    a.ts, a.session_date, a.open_e4, a.high_e4, a.low_e4, a.last_close_e4, a.volume_e6, a.notional_e12, a.tick_count,
    a.vwap_is_typical,
    -- Rounded half up in whole numbers: the same digits on every engine.
    case when a.minute_volume > 0 then div(2 * a.minute_notional + a.minute_volume, 2 * a.minute_volume)::bigint end,
    case when a.session_volume > 0 then div(2 * a.session_notional + a.session_volume, 2 * a.session_volume)::bigint end,
    case when a.close_count > v_ma_rows then a.close_sum end,
    case when a.close_count > v_ma_rows
      then div(200 * a.close_sum::numeric + p_context.ma_minutes, 2 * p_context.ma_minutes)::bigint
    end
  from averaged a
  where a.ts > p_from
    and a.ts <= p_to
  order by a.ts;
end
$$;
comment on function signal.build_periods(timestamp, timestamp, signal.context) is
  'The normalised periods that close in (p_from, p_to]: one for every session period, empty ones too. Built from the ticks of one feed received '
  'by as_of, each from [ts - period, ts); sums are over integers, so neither the order of rows nor the cut into slices changes a digit.';
grant execute on function signal.build_periods(timestamp, timestamp, signal.context) to job_runner;
