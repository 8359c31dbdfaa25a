create or replace function signal.vwap_ma9(p_from timestamp, p_to timestamp, p_context signal.context)
returns setof signal.signal_values
language plpgsql stable
as $$
declare
  v_period interval := make_interval(secs => p_context.period_ms / 1000.0);
  v_open timestamp := (select s.ts_open from ref.sessions s where s.session_date = p_from::date and s.ts_open < p_from);
  v_from timestamp := coalesce(v_open, p_from);
begin
  -- The side before p_from is seldom further back than a period or two.
  if p_context.run_id is not null and v_open < p_from - 8 * v_period and exists (
    select from signal.period_rows(p_from - 8 * v_period, p_from, p_context) p
    where p.vwap_e6 * p_context.ma_minutes <> p.ma_sum_e4 * 100
  ) then
    v_from := p_from - 8 * v_period;
  end if;
  return query
  with sided as (
    select
      p.*,
      -- vwap - sum / n without a division: both sides in 1/1,000,000 dollar times n. No VWAP or no average yet is no side.
      case
        when p.vwap_e6 * p_context.ma_minutes > p.ma_sum_e4 * 100 then 1
        when p.vwap_e6 * p_context.ma_minutes < p.ma_sum_e4 * 100 then -1
      end::smallint as side
    from signal.period_rows(v_from, p_to, p_context) p
  ), compared as (
    -- Only the rows that have a side: a zero difference keeps the previous one, and none is carried over sessions.
    select s.*, lag(s.side) over (partition by s.session_date order by s.ts) as previous_side
    from sided s
    where s.side is not null
  )
  select c.ts, c.session_date, c.side, c.vwap_e6, c.ma_e6, c.session_vwap_e6, c.close_e4
  from compared c
  where c.side <> c.previous_side
    and c.ts > p_from
    and c.ts <= p_to
  order by c.ts;
end
$$;
comment on function signal.vwap_ma9(timestamp, timestamp, signal.context) is
  'Rule of strategy vwap_ma9 for period closes in (p_from, p_to]: a signal where the sign of (minute VWAP - moving average of closes) changes.';
grant execute on function signal.vwap_ma9(timestamp, timestamp, signal.context) to job_runner;
