create or replace function trade.judge_periods(
  p_from timestamp, p_to timestamp, p_run trade.runs, p_strategy ref.strategies, p_day trade.session_state, p_states trade.gate_state[],
  p_halted boolean, p_multiplier integer, p_as_of timestamp
) returns setof trade.decisions
language plpgsql stable
as $$
declare
  v_since timestamp[] := array(select g.ts from unnest(p_states) g);
  v_window_to integer := extract(epoch from p_day.ts_flat - p_day.ts_open) / 60;
begin
  return query
  with faced as materialized (
    select
      p.ts, p.session_date, p.strike_e4, g.direction, s.*,
      case when g.direction is null then null
        when (g.direction = 1) = (p_strategy.sell_on_cross_up = 'put') then true else false end as sells_put,
      p.put_id, p.put_bid_e4, p.put_ask_e4, p.put_ts, p.call_id, p.call_bid_e4, p.call_ask_e4, p.call_ts
    from signal.periods p
    left join lateral (
      select x.direction from signal.signals x
      where x.run_id = p.run_id and x.instrument_id = p.instrument_id and x.ts = p.ts
      limit 1
    ) g on true
    -- The state in force: of several that begin at one instant, the last.
    cross join lateral unnest(p_states[width_bucket(p.ts, v_since):width_bucket(p.ts, v_since)])
      as s (ts_state, open_slots, open_capital, has_room, ts_last, day_pl, orders_day, recent_orders)
    where p.run_id = p_run.run_id
      and p.instrument_id = p_run.instrument_id
      and p.ts > p_from
      and p.ts <= p_to
      and p.revision = 0
  ), measured as materialized (
    select
      f.*, c.*,
      (extract(epoch from f.ts - p_day.ts_open) / 60)::integer as window_min,
      case when p_run.max_decision_age_ms is not null then (extract(epoch from p_as_of - f.ts) * 1000)::bigint end as age_ms,
      (extract(epoch from f.ts - f.ts_last) * 1000)::bigint as cooldown_ms,
      (extract(epoch from f.ts - c.quote_ts) * 1000)::bigint as quote_age_ms,
      f.open_capital
        + coalesce(coalesce(i.strike_e4, f.strike_e4)::numeric * p_multiplier * p_strategy.contracts / 10000, 0) as capital,
      (select count(*)::integer from unnest(f.recent_orders) o where o > f.ts - interval '60 seconds') as orders_minute
    from faced f
    cross join lateral (
      select
        case f.sells_put when true then f.put_id when false then f.call_id end as contract_id,
        case f.sells_put when true then f.put_bid_e4 when false then f.call_bid_e4 end as bid_e4,
        case f.sells_put when true then f.put_ask_e4 when false then f.call_ask_e4 end as ask_e4,
        case f.sells_put when true then f.put_ts when false then f.call_ts end as quote_ts
    ) c
    left join lateral (
      select x.strike_e4 from ref.instruments x where x.instrument_id = c.contract_id limit 1
    ) i on true
  ), judged as (
    select
      m.*,
      m.ts >= p_day.ts_entry_from and m.ts < p_day.ts_flat as window_ok,
      m.age_ms <= p_run.max_decision_age_ms as age_ok,
      m.ts_last is null or m.cooldown_ms >= p_strategy.cooldown_ms as cooldown_ok,
      case when m.direction is not null then
        coalesce(m.bid_e4 > 0 and m.ask_e4 >= m.bid_e4 and m.quote_age_ms <= p_run.stale_after_ms, false)
      end as quote_ok,
      m.capital <= p_strategy.trading_capital as capital_ok,
      m.day_pl > -p_strategy.max_day_loss as day_pl_ok,
      m.orders_day < p_strategy.max_orders_per_day and m.orders_minute < p_strategy.max_orders_per_minute as orders_ok
    from measured m
  ), reasoned as (
    select
      j.*,
      case
        when j.direction is null then 'no_signal'
        when not j.window_ok then 'outside_window'
        when not j.age_ok then 'late'
        when p_halted then 'halted'
        when not j.cooldown_ok then 'cooldown'
        when not j.has_room then 'position_open'
        when j.contract_id is null then 'no_contract'
        when j.quote_ts is null then 'no_quote'
        when coalesce(j.bid_e4, 0) = 0 or coalesce(j.ask_e4, 0) = 0 then 'one_sided_quote'
        when j.bid_e4 > j.ask_e4 then 'crossed_quote'
        when not j.quote_ok then 'stale_quote'
        when not j.capital_ok then 'capital'
        when not j.day_pl_ok then 'day_loss'
        when not j.orders_ok then 'order_limit'
      end as failed
    from judged j
  )
  select
    null::bigint, p_run.run_id, r.ts, 'entry'::text, case when r.failed is null then 'TRADE' else 'SKIP' end,
    coalesce(r.failed, case r.direction when 1 then 'cross_up' else 'cross_down' end), r.session_date, r.direction, null::bigint,
    r.contract_id, r.bid_e4, r.quote_ts, r.window_min, p_strategy.front_buffer_min, v_window_to, r.window_ok, r.age_ms,
    p_run.max_decision_age_ms, r.age_ok, not p_halted, r.cooldown_ms, p_strategy.cooldown_ms, r.cooldown_ok,
    r.open_slots, p_strategy.slots, r.has_room, r.bid_e4, r.ask_e4, r.quote_age_ms,
    case when r.direction is not null then p_run.stale_after_ms end, r.quote_ok, r.capital::numeric(16, 2),
    p_strategy.trading_capital::numeric(16, 2), r.capital_ok, r.day_pl::numeric(16, 2), (-p_strategy.max_day_loss)::numeric(16, 2),
    r.day_pl_ok, r.orders_day, p_strategy.max_orders_per_day, r.orders_minute, p_strategy.max_orders_per_minute, r.orders_ok
  from reasoned r
  order by r.ts;
end
$$;
comment on function trade.judge_periods(
  timestamp, timestamp, trade.runs, ref.strategies, trade.session_state, trade.gate_state[], boolean, integer, timestamp
) is 'Entry decisions for the periods that close in (p_from, p_to], each under the state of p_states in force at its close: every gate''s value, '
  'threshold and verdict; the first that fails is the reason. Stores nothing.';
grant execute on function trade.judge_periods(
  timestamp, timestamp, trade.runs, ref.strategies, trade.session_state, trade.gate_state[], boolean, integer, timestamp
) to job_runner;
