create or replace procedure trade.start_exit(
  inout p_state trade.slot_state, inout p_day trade.session_state, inout p_journal trade.journal, p_run trade.runs,
  p_strategy ref.strategies, p_ts timestamp, p_reason text, p_direction smallint, p_ask_e4 integer, p_quote_ts timestamp
)
language plpgsql
as $$
declare
  d trade.decisions;
begin
  if p_state.phase = 'entering' then
    -- The rest of a partly filled entry must not fill behind its own exit.
    p_journal.events := p_journal.events || trade.paper_event(p_run, p_state.intent_id, p_ts, 'canceled', 'exit');
  end if;
  d.decision_id := nextval('trade.decisions_decision_id_seq');
  d.run_id := p_run.run_id;
  d.ts := p_ts;
  d.kind := 'exit';
  d.verdict := 'TRADE';
  d.reason := p_reason;
  d.session_date := p_day.session_date;
  d.direction := p_direction;
  d.position_id := p_state.position_id;
  d.instrument_id := p_state.instrument_id;
  d.trigger_px_e4 := p_ask_e4;
  d.quote_ts := p_quote_ts;
  p_journal.decisions := p_journal.decisions || d;
  p_state.decision_id := d.decision_id;
  p_state.phase := 'exiting';
  p_state.side := 'buy';
  p_state.attempt := 1;
  p_state.first_limit_px_e4 := p_ask_e4;
  p_state.limit_px_e4 := p_ask_e4;
  p_state.rest_qty := p_state.qty - p_state.closed_qty;
  p_state.ts_exit := p_ts;
  p_state.ts_active := p_ts + make_interval(secs => p_strategy.latency_ms / 1000.0);
  -- Without a quote to price a limit, the exit is a market order from the start.
  p_state.ts_until := case when p_ask_e4 is not null then p_ts + make_interval(secs => p_strategy.exit_reprice_ms / 1000.0) end;
  call trade.add_intent(
    p_journal, p_state.intent_id, p_run.run_id, d.decision_id, p_state.position_id, p_state.attempt, 'exit', p_ts, p_state.limit_px_e4,
    p_state.rest_qty, p_state.slot, null, null, p_state.instrument_id, p_state.side
  );
  p_journal.events := p_journal.events || trade.paper_event(p_run, p_state.intent_id, p_ts, 'submitted');
  p_day.orders_day := p_day.orders_day + 1;
  p_day.recent_orders := p_day.recent_orders || p_ts;
  if p_strategy.cooldown_from_exit = 'all'
    or (p_strategy.cooldown_from_exit = 'stop_and_target' and p_reason in ('take_profit', 'stop_loss')) then
    p_day.ts_last_exit := p_ts;
  end if;
end
$$;
comment on procedure trade.start_exit(
  trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies, timestamp, text, smallint, integer, timestamp
) is 'Decides the exit of a slot''s position and writes its first order: a limit at the ask, or a market order where there is none.';
grant execute on procedure trade.start_exit(
  trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies, timestamp, text, smallint, integer, timestamp
) to job_runner;
