create or replace function trade.vacate_slot(p_walk trade.walk_state, p_run trade.runs, p_strategy ref.strategies, p_ts timestamp)
returns trade.walk_state
language plpgsql volatile
as $$
declare
  v_left trade.slot_state := p_walk.slot;
  s trade.slot_state;
  v_journal trade.journal;
  -- At a broker the slice that learns of the fill may have begun before it.
  v_begun timestamp := greatest(p_ts, v_left.fill_ts);
begin
  s.slot := v_left.slot;
  s.phase := 'free';
  if v_left.rev_position_id is null then
    p_walk.slot := s;
    return p_walk;
  end if;
  -- The close of a reversal has filled in time: the other side takes the slot and its order begins to work.
  v_journal := p_walk.journal;
  v_journal.events := v_journal.events || trade.paper_event(p_run, v_left.rev_intent_id, p_ts, 'submitted');
  s.phase := 'entering';
  s.position_id := v_left.rev_position_id;
  s.ts_entry := v_left.ts_rev_entry;
  s.instrument_id := v_left.rev_instrument_id;
  s.multiplier := v_left.rev_multiplier;
  s.short_legs := 1;
  s.long_legs := case p_strategy.structure when 'credit_vertical' then 1 else 0 end;
  s.direction := v_left.rev_direction;
  s.capital := v_left.rev_capital;
  s.intent_id := v_left.rev_intent_id;
  s.decision_id := v_left.rev_position_id;
  s.attempt := 1;
  s.side := 'sell';
  s.limit_px_e4 := v_left.rev_limit_px_e4;
  s.rest_qty := v_left.rev_qty;
  s.qty := 0;
  s.notional_e4 := 0;
  s.cost := 0;
  s.closed_qty := 0;
  s.closed_notional_e4 := 0;
  s.ts_active := v_begun + make_interval(secs => p_strategy.latency_ms / 1000.0);
  s.ts_until := v_begun + make_interval(secs => p_strategy.entry_valid_ms / 1000.0);
  return row(s, p_walk.day, v_journal)::trade.walk_state;
end
$$;
comment on function trade.vacate_slot(trade.walk_state, trade.runs, ref.strategies, timestamp) is
  'Ends a slot''s position, flat or never opened. An entry that waits for the slot takes it, and its order begins to work.';
grant execute on function trade.vacate_slot(trade.walk_state, trade.runs, ref.strategies, timestamp) to job_runner;
