create or replace function trade.decide_entry(
  p_walk trade.walk_state, p_run trade.runs, p_strategy ref.strategies, p_face trade.face, p_entry trade.entry_mark,
  p_multiplier integer
) returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_day trade.session_state := p_walk.day;
  v_walk trade.walk_state;
begin
  s.rev_position_id := p_entry.decision_id;
  s.ts_rev_entry := p_face.ts;
  s.rev_instrument_id := p_face.instrument_id;
  s.rev_multiplier := p_multiplier;
  s.rev_direction := p_face.direction;
  s.rev_capital := p_face.capital;
  s.rev_limit_px_e4 := trade.limit_px(p_strategy, 'sell', p_face.bid_e4);
  s.rev_qty := p_strategy.contracts;
  s.rev_intent_id := nextval('trade.order_intents_intent_id_seq');
  s.ts_rev_until := case when p_entry.is_reversal then p_face.ts + make_interval(secs => p_strategy.reversal_valid_ms / 1000.0) end;
  v_day.ts_last_acted := p_face.ts;
  v_day.entries_day := v_day.entries_day + 1;
  v_day.orders_day := v_day.orders_day + 1;
  v_day.recent_orders := v_day.recent_orders || p_face.ts;
  v_walk := row(
    s, v_day,
    trade.add_intent(
      p_walk.journal, s.rev_intent_id, p_run.run_id, p_entry.decision_id, p_entry.decision_id, 1::smallint, 'entry', p_face.ts, s.rev_limit_px_e4,
      p_strategy.contracts, s.slot,
      case when not p_entry.is_reversal then p_face.ts + make_interval(secs => p_strategy.entry_valid_ms / 1000.0) end,
      case when p_entry.is_reversal then s.decision_id end, p_face.instrument_id, 'sell'
    )
  )::trade.walk_state;
  if p_entry.is_reversal then
    return v_walk;
  end if;
  -- A plain entry waits for nothing: it takes the free slot at once.
  return trade.vacate_slot(v_walk, p_run, p_strategy, p_face.ts);
end
$$;
comment on function trade.decide_entry(trade.walk_state, trade.runs, ref.strategies, trade.face, trade.entry_mark, integer) is
  'Carries out an entry decision that says TRADE: its order intent takes the free slot, or waits for the exit of the position that it reverses.';
grant execute on function trade.decide_entry(trade.walk_state, trade.runs, ref.strategies, trade.face, trade.entry_mark, integer) to job_runner;
