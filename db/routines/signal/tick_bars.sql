create or replace function signal.tick_bars(p_from timestamp, p_to timestamp, p_context signal.context, p_origin timestamp)
returns table (
  ts timestamp, open_e4 integer, high_e4 integer, low_e4 integer, close_e4 integer, volume_e6 bigint, notional_e12 numeric,
  tick_count integer, vwap_is_typical boolean
)
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
declare
  v_period interval := make_interval(secs => p_context.period_ms / 1000.0);
begin
  return query
  select
    x.ts_end,
    max(x.open_e4) filter (where x.is_first),
    max(x.high_e4),
    min(x.low_e4),
    max(x.close_e4) filter (where x.is_last),
    sum(x.volume_e6)::bigint,
    sum(x.vwap_e6 * x.volume_e6::numeric),
    count(*)::integer,
    bool_or(x.vwap_is_typical)
  from (
    -- One sort for all periods, where ordered aggregates would sort each one.
    select
      t.*, date_bin(v_period, t.ts_event, p_origin) + v_period as ts_end,
      row_number() over period = 1 as is_first, lead(true) over period is null as is_last
    from market.equity_ticks t
    where t.instrument_id = p_context.instrument_id
      and t.feed_id = p_context.feed_id
      and t.ts_event >= p_from
      and t.ts_event < p_to
      and t.ts_recv <= p_context.as_of
    window period as (partition by date_bin(v_period, t.ts_event, p_origin) + v_period order by t.ts_event, t.seq)
  ) x
  group by x.ts_end;
end
$$;
comment on function signal.tick_bars(timestamp, timestamp, signal.context, timestamp) is
  'Ticks of one feed in [p_from, p_to), received by as_of, summed by period; ts is the period''s end, periods are counted from p_origin.';
grant execute on function signal.tick_bars(timestamp, timestamp, signal.context, timestamp) to job_runner;
