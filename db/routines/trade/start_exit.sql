create or replace function trade.start_exit(
  p_walk trade.walk_state, p_run trade.runs, p_strategy ref.strategies, p_ts timestamp, p_reason text, p_direction smallint,
  p_ask_e4 integer, p_quote_ts timestamp
) returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_day trade.session_state := p_walk.day;
  v_journal trade.journal := p_walk.journal;
  v_limit_px_e4 integer := trade.limit_px(p_strategy, 'buy', p_ask_e4);
  d trade.decisions;
begin
  if s.phase = 'entering' and s.ts_until < 'infinity' then
    -- The rest of a partly filled entry must not fill behind its own exit.
    v_journal := trade.cancel_order(v_journal, p_run, s.intent_id, p_ts, 'exit');
  end if;
  d.decision_id := nextval('trade.decisions_decision_id_seq');
  d.run_id := p_run.run_id;
  d.ts := p_ts;
  d.kind := 'exit';
  d.verdict := 'TRADE';
  d.reason := p_reason;
  d.session_date := v_day.session_date;
  d.direction := p_direction;
  d.position_id := s.position_id;
  d.instrument_id := s.instrument_id;
  d.trigger_px_e4 := p_ask_e4;
  d.quote_ts := p_quote_ts;
  v_journal.decisions := v_journal.decisions || d;
  s.decision_id := d.decision_id;
  s.phase := 'exiting';
  s.side := 'buy';
  s.attempt := 1;
  s.first_limit_px_e4 := v_limit_px_e4;
  s.limit_px_e4 := v_limit_px_e4;
  s.rest_qty := s.qty - s.closed_qty;
  s.ts_exit := p_ts;
  s.ts_active := p_ts + make_interval(secs => p_strategy.latency_ms / 1000.0);
  -- Without a quote to price a limit, the exit is a market order from the start.
  s.ts_until := case when p_ask_e4 is not null then p_ts + make_interval(secs => p_strategy.exit_reprice_ms / 1000.0) end;
  s.intent_id := nextval('trade.order_intents_intent_id_seq');
  v_journal := trade.add_intent(
    v_journal, s.intent_id, p_run.run_id, d.decision_id, s.position_id, s.attempt, 'exit', p_ts, s.limit_px_e4, s.rest_qty, s.slot, null,
    null, s.instrument_id, s.side
  );
  v_journal.events := v_journal.events || trade.paper_event(p_run, s.intent_id, p_ts, 'submitted');
  v_day.orders_day := v_day.orders_day + 1;
  v_day.recent_orders := v_day.recent_orders || p_ts;
  if p_strategy.cooldown_from_exit = 'all'
    or (p_strategy.cooldown_from_exit = 'stop_and_target' and p_reason in ('take_profit', 'stop_loss')) then
    v_day.ts_last_exit := p_ts;
  end if;
  v_day.has_stopped := v_day.has_stopped or p_reason = 'stop_loss';
  return row(s, v_day, v_journal)::trade.walk_state;
end
$$;
comment on function trade.start_exit(
  trade.walk_state, trade.runs, ref.strategies, timestamp, text, smallint, integer, timestamp
) is 'Decides the exit of a slot''s position and writes its first order: a limit at the ask, or a market order where there is none.';
grant execute on function trade.start_exit(
  trade.walk_state, trade.runs, ref.strategies, timestamp, text, smallint, integer, timestamp
) to job_runner;
