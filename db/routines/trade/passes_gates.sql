create or replace function trade.passes_gates(p_face trade.face, p_state trade.gate_state, p_strategy ref.strategies, p_bar text)
returns boolean
language plpgsql immutable
as $$
begin
  return p_face.direction is not null
    and p_face.window_ok
    and p_face.age_ok is not false
    and p_bar is null
    and p_face.event is null
    and (p_strategy.max_entries_per_day is null or p_state.entries_day < p_strategy.max_entries_per_day)
    and not (p_strategy.stop_ends_day and p_state.has_stopped)
    and (p_state.ts_last is null or (extract(epoch from p_face.ts - p_state.ts_last) * 1000)::bigint >= p_strategy.cooldown_ms)
    and p_state.has_room
    and p_face.quote_ok
    and p_state.open_capital + p_face.capital <= p_strategy.trading_capital
    and p_state.day_pl > -p_strategy.max_day_loss
    and p_state.orders_day < p_strategy.max_orders_per_day
    and trade.orders_since(p_state.recent_orders, p_face.ts - interval '60 seconds') < p_strategy.max_orders_per_minute;
end
$$;
comment on function trade.passes_gates(trade.face, trade.gate_state, ref.strategies, text) is
  'True where no gate bars the entry on a signal: what the walk acts on. trade.judge_periods must agree, or its decision rows cannot be stored.';
grant execute on function trade.passes_gates(trade.face, trade.gate_state, ref.strategies, text) to job_runner;
