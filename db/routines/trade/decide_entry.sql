create or replace procedure trade.decide_entry(
  inout p_state trade.slot_state, inout p_day trade.session_state, inout p_journal trade.journal, p_run trade.runs,
  p_strategy ref.strategies, p_decision trade.decisions, p_open_capital numeric, p_multiplier integer, p_is_reversal boolean
)
language plpgsql
as $$
declare
  d trade.decisions := p_decision;
begin
  d.decision_id := nextval('trade.decisions_decision_id_seq');
  if p_is_reversal then
    d.reason := 'reversal';
  end if;
  p_journal.decisions := p_journal.decisions || d;
  p_state.rev_position_id := d.decision_id;
  p_state.ts_rev_entry := d.ts;
  p_state.rev_instrument_id := d.instrument_id;
  p_state.rev_multiplier := p_multiplier;
  p_state.rev_direction := d.direction;
  p_state.rev_capital := d.capital - p_open_capital;
  p_state.rev_limit_px_e4 := d.bid_e4;
  p_state.rev_qty := p_strategy.contracts;
  call trade.add_intent(
    p_journal, p_state.rev_intent_id, p_run.run_id, d.decision_id, d.decision_id, 1::smallint, 'entry', d.ts, d.bid_e4,
    p_strategy.contracts, p_state.slot,
    case when not p_is_reversal then d.ts + make_interval(secs => p_strategy.entry_valid_ms / 1000.0) end,
    case when p_is_reversal then p_state.decision_id end, d.instrument_id, 'sell'
  );
  p_day.ts_last_acted := d.ts;
  p_day.orders_day := p_day.orders_day + 1;
  p_day.recent_orders := p_day.recent_orders || d.ts;
  if p_is_reversal then
    p_state.ts_rev_until := d.ts + make_interval(secs => p_strategy.reversal_valid_ms / 1000.0);
  else
    -- A plain entry waits for nothing: it takes the free slot at once.
    call trade.vacate_slot(p_state, p_journal, p_run, p_strategy, d.ts);
  end if;
end
$$;
comment on procedure trade.decide_entry(
  trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies, trade.decisions, numeric, integer, boolean
) is 'Carries out an entry decision that says TRADE: its order intent takes the free slot, or waits for the exit of the position that it reverses.';
grant execute on procedure trade.decide_entry(
  trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies, trade.decisions, numeric, integer, boolean
) to job_runner;
