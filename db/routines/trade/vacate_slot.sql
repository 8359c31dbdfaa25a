create or replace procedure trade.vacate_slot(
  inout p_state trade.slot_state, inout p_journal trade.journal, p_run trade.runs, p_strategy ref.strategies, p_ts timestamp
)
language plpgsql
as $$
declare
  s trade.slot_state;
begin
  s.slot := p_state.slot;
  s.phase := 'free';
  if p_state.rev_position_id is not null then
    -- The close of a reversal has filled in time: the other side takes the slot and its order begins to work.
    p_journal.events := p_journal.events || trade.paper_event(p_run, p_state.rev_intent_id, p_ts, 'submitted');
    s.phase := 'entering';
    s.position_id := p_state.rev_position_id;
    s.ts_entry := p_state.ts_rev_entry;
    s.instrument_id := p_state.rev_instrument_id;
    s.multiplier := p_state.rev_multiplier;
    s.direction := p_state.rev_direction;
    s.capital := p_state.rev_capital;
    s.intent_id := p_state.rev_intent_id;
    s.decision_id := p_state.rev_position_id;
    s.attempt := 1;
    s.side := 'sell';
    s.limit_px_e4 := p_state.rev_limit_px_e4;
    s.rest_qty := p_state.rev_qty;
    s.qty := 0;
    s.notional_e4 := 0;
    s.cost := 0;
    s.closed_qty := 0;
    s.closed_notional_e4 := 0;
    s.ts_active := p_ts + make_interval(secs => p_strategy.latency_ms / 1000.0);
    s.ts_until := p_ts + make_interval(secs => p_strategy.entry_valid_ms / 1000.0);
  end if;
  p_state := s;
end
$$;
comment on procedure trade.vacate_slot(trade.slot_state, trade.journal, trade.runs, ref.strategies, timestamp) is
  'Ends a slot''s position, flat or never opened. An entry that waits for the slot takes it, and its order begins to work.';
grant execute on procedure trade.vacate_slot(trade.slot_state, trade.journal, trade.runs, ref.strategies, timestamp) to job_runner;
