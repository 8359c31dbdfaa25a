create or replace function trade.reprice_exit(p_walk trade.walk_state, p_run trade.runs, p_strategy ref.strategies)
returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_day trade.session_state := p_walk.day;
  v_journal trade.journal := p_walk.journal;
  v_market_from timestamp := s.ts_exit + make_interval(secs => p_strategy.exit_market_after_ms / 1000.0);
begin
  if s.intent_id is not null then
    v_journal := trade.cancel_order(v_journal, p_run, s.intent_id, s.ev_ts, 'repriced');
  end if;
  s.attempt := s.attempt + 1;
  if s.ev_ts >= v_market_from or s.first_limit_px_e4 is null then
    s.limit_px_e4 := null;
    s.ts_until := null;
  else
    -- An attempt that was refused comes sooner than a re-pricing, and costs no more.
    s.limit_px_e4 := s.first_limit_px_e4
      + least(s.attempt - 1, floor(extract(epoch from s.ev_ts - s.ts_exit) * 1000 / p_strategy.exit_reprice_ms)::integer)
      * p_strategy.exit_reprice_ticks * trade.price_step(p_strategy, s.first_limit_px_e4);
    s.ts_until := least(s.ev_ts + make_interval(secs => p_strategy.exit_reprice_ms / 1000.0), v_market_from);
  end if;
  s.intent_id := nextval('trade.order_intents_intent_id_seq');
  v_journal := trade.add_intent(
    v_journal, s.intent_id, p_run.run_id, s.decision_id, s.position_id, s.attempt, 'exit', s.ev_ts, s.limit_px_e4, s.rest_qty, s.slot,
    null, null, s.instrument_id, s.side
  );
  v_journal.events := v_journal.events || trade.paper_event(p_run, s.intent_id, s.ev_ts, 'submitted');
  s.ts_active := s.ev_ts + make_interval(secs => p_strategy.latency_ms / 1000.0);
  v_day.orders_day := v_day.orders_day + 1;
  v_day.recent_orders := v_day.recent_orders || s.ev_ts;
  return row(s, v_day, v_journal)::trade.walk_state;
end
$$;
comment on function trade.reprice_exit(trade.walk_state, trade.runs, ref.strategies) is
  'Replaces an unfilled exit order by the next attempt: some increments higher for each exit_reprice_ms, and a market '
  'order when exit_market_after_ms have passed.';
grant execute on function trade.reprice_exit(trade.walk_state, trade.runs, ref.strategies) to job_runner;
