create or replace procedure trade.judge_periods(
  p_run trade.runs, p_strategy ref.strategies, p_day trade.session_state, p_faces trade.face[], p_states trade.gate_state[],
  p_entries trade.entry_mark[], p_bar text, p_as_of timestamp
)
language plpgsql
as $$
declare
  v_since timestamp[] := array(select g.ts from unnest(p_states) g);
  v_ts_open timestamp := p_day.ts_open;
  v_window_from integer := p_strategy.front_buffer_min;
  v_window_to integer := extract(epoch from p_day.ts_entry_to - p_day.ts_open) / 60;
  v_run_id bigint := p_run.run_id;
  v_age_max_ms integer := p_run.max_decision_age_ms;
  v_stale_after_ms integer := p_run.stale_after_ms;
  v_cooldown_ms integer := p_strategy.cooldown_ms;
  v_slots smallint := p_strategy.slots;
  v_orders_day_max integer := p_strategy.max_orders_per_day;
  v_orders_minute_max integer := p_strategy.max_orders_per_minute;
  v_capital_max numeric(16, 2) := p_strategy.trading_capital;
  v_day_pl_min numeric(16, 2) := -p_strategy.max_day_loss;
  v_entries_max integer := p_strategy.max_entries_per_day;
  v_stop_ends_day boolean := p_strategy.stop_ends_day;
  v_has_blackout boolean := p_strategy.blackout_min > 0;
  v_is_vertical boolean := p_strategy.structure = 'credit_vertical';
  v_counts_skips boolean := p_run.keeps = 'trades';
begin
  with judged as (
    select
      f.ts, r.failed, e.decision_id as entry_id,
      coalesce(r.failed, case
        when e.is_reversal then 'reversal'
        when v_is_vertical then case f.direction when 1 then 'put_vertical' else 'call_vertical' end
        when f.direction = 1 then 'cross_up' else 'cross_down'
      end) as reason,
      f.session_date, f.direction, f.instrument_id, f.bid_e4, f.ask_e4, f.quote_ts, f.quote_ok, f.window_ok, f.age_ok, f.event, m.window_min,
      m.age_ms, m.cooldown_ms, m.quote_age_ms, m.orders_minute, j.cooldown_ok, j.capital_ok, j.day_pl_ok, j.orders_ok, j.entries_ok,
      j.stop_ok, g.open_slots, g.has_room, g.capital_needed, g.day_pl, g.orders_day, g.entries_day
    -- In order of time, as the faces are.
    from unnest(p_faces) f
    left join unnest(p_entries) e on e.ts = f.ts
    -- The state in force: of several that begin at one instant, the last.
    cross join lateral (select p_states[width_bucket(f.ts, v_since)] as s offset 0) x
    cross join lateral (
      select (x.s).open_slots, (x.s).has_room, (x.s).ts_last, (x.s).day_pl, (x.s).orders_day, (x.s).recent_orders,
        (x.s).entries_day, (x.s).has_stopped,
        (x.s).open_capital + f.capital as capital_needed
      offset 0
    ) g
    cross join lateral (
      select
        (extract(epoch from f.ts - v_ts_open) / 60)::integer as window_min,
        case when v_age_max_ms is not null then (extract(epoch from p_as_of - f.ts) * 1000)::bigint end as age_ms,
        (extract(epoch from f.ts - g.ts_last) * 1000)::bigint as cooldown_ms,
        (extract(epoch from f.ts - f.quote_ts) * 1000)::bigint as quote_age_ms,
        trade.orders_since(g.recent_orders, f.ts - interval '60 seconds') as orders_minute
      offset 0
    ) m
    cross join lateral (
      select
        g.ts_last is null or m.cooldown_ms >= v_cooldown_ms as cooldown_ok,
        g.capital_needed <= v_capital_max as capital_ok,
        case when v_entries_max is not null then g.entries_day < v_entries_max end as entries_ok,
        case when v_stop_ends_day then not g.has_stopped end as stop_ok,
        g.day_pl > v_day_pl_min as day_pl_ok,
        g.orders_day < v_orders_day_max and m.orders_minute < v_orders_minute_max as orders_ok
      offset 0
    ) j
    cross join lateral (
      select case
        when f.direction is null then coalesce(f.skip, 'no_signal')
        when not f.window_ok then 'outside_window'
        when not f.age_ok then 'late'
        when p_bar is not null then p_bar
        when f.event is not null then 'event'
        when not j.stop_ok then 'stopped_today'
        when not j.entries_ok then 'entries_today'
        when not j.cooldown_ok then 'cooldown'
        when not g.has_room then 'position_open'
        when f.instrument_id is null then 'no_contract'
        when f.quote_ts is null then 'no_quote'
        when coalesce(f.bid_e4, 0) = 0 or coalesce(f.ask_e4, 0) = 0 then 'one_sided_quote'
        when f.bid_e4 > f.ask_e4 then 'crossed_quote'
        when not f.quote_ok then 'stale_quote'
        when not j.capital_ok then 'capital'
        when not j.day_pl_ok then 'day_loss'
        when not j.orders_ok then 'order_limit'
      end as failed
      offset 0
    ) r
  ), counted as (
    insert into trade.skip_counts (run_id, ts, reason, has_signal, session_date, periods)
    select v_run_id, min(d.ts), d.reason, d.direction is not null, d.session_date, count(*)
    from judged d
    where v_counts_skips and d.failed is not null
    group by d.session_date, d.reason, d.direction is not null
  )
  insert into trade.decisions overriding system value
  select
    -- Without the walk's entry, or with one that it should not have made, there is no id or an intent has no decision: nothing is stored.
    case when d.failed is null then d.entry_id else nextval('trade.decisions_decision_id_seq') end, v_run_id, d.ts, 'entry',
    case when d.failed is null then 'TRADE' else 'SKIP' end, d.reason, d.session_date, d.direction, null, d.instrument_id, d.bid_e4,
    d.quote_ts, d.window_min, v_window_from, v_window_to, d.window_ok, d.age_ms, v_age_max_ms, d.age_ok, p_bar is null, d.cooldown_ms,
    v_cooldown_ms, d.cooldown_ok, d.open_slots, v_slots, d.has_room, d.bid_e4, d.ask_e4, d.quote_age_ms,
    case when d.direction is not null then v_stale_after_ms end, d.quote_ok, d.capital_needed, v_capital_max, d.capital_ok, d.day_pl,
    v_day_pl_min, d.day_pl_ok, d.orders_day, v_orders_day_max, d.orders_minute, v_orders_minute_max, d.orders_ok, d.event,
    case when v_has_blackout then d.event is null end, case when v_entries_max is not null then d.entries_day end, v_entries_max,
    d.entries_ok, d.stop_ok
  from judged d
  where d.failed is null or not v_counts_skips;
end
$$;
comment on procedure trade.judge_periods(
  trade.runs, ref.strategies, trade.session_state, trade.face[], trade.gate_state[], trade.entry_mark[], text, timestamp
) is 'Stores the entry decisions of periods, each under the state of p_states in force at its close: every gate''s value, threshold and verdict; the '
  'first that fails is the reason. Of a run that keeps trades alone, what is skipped is counted instead.';
grant execute on procedure trade.judge_periods(
  trade.runs, ref.strategies, trade.session_state, trade.face[], trade.gate_state[], trade.entry_mark[], text, timestamp
) to job_runner;
