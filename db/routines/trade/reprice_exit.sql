create or replace procedure trade.reprice_exit(
  inout p_state trade.slot_state, inout p_day trade.session_state, inout p_journal trade.journal, p_run trade.runs, p_strategy ref.strategies
)
language plpgsql
as $$
declare
  v_market_from timestamp := p_state.ts_exit + make_interval(secs => p_strategy.exit_market_after_ms / 1000.0);
begin
  p_journal.events := p_journal.events || trade.paper_event(p_run, p_state.intent_id, p_state.ev_ts, 'canceled', 'repriced');
  p_state.attempt := p_state.attempt + 1;
  if p_state.ev_ts >= v_market_from then
    p_state.limit_px_e4 := null;
    p_state.ts_until := null;
  else
    p_state.limit_px_e4 := p_state.first_limit_px_e4 + (p_state.attempt - 1) * p_strategy.exit_reprice_ticks
      * ref.price_increment(p_strategy.option_root, p_state.first_limit_px_e4);
    p_state.ts_until := least(p_state.ev_ts + make_interval(secs => p_strategy.exit_reprice_ms / 1000.0), v_market_from);
  end if;
  call trade.add_intent(
    p_journal, p_state.intent_id, p_run.run_id, p_state.decision_id, p_state.position_id, p_state.attempt, 'exit', p_state.ev_ts,
    p_state.limit_px_e4, p_state.rest_qty, p_state.slot, null, null, p_state.instrument_id, p_state.side
  );
  p_journal.events := p_journal.events || trade.paper_event(p_run, p_state.intent_id, p_state.ev_ts, 'submitted');
  p_state.ts_active := p_state.ev_ts + make_interval(secs => p_strategy.latency_ms / 1000.0);
  p_day.orders_day := p_day.orders_day + 1;
  p_day.recent_orders := p_day.recent_orders || p_state.ev_ts;
end
$$;
comment on procedure trade.reprice_exit(trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies) is
  'Replaces an unfilled exit order by the next attempt: some increments higher, and a market order when exit_market_after_ms have passed.';
grant execute on procedure trade.reprice_exit(trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies) to job_runner;
