create or replace function trade.cancel_reversal(p_walk trade.walk_state, p_run trade.runs, p_ts timestamp, p_reason text)
returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
begin
  p_walk.journal := trade.cancel_order(p_walk.journal, p_run, s.rev_intent_id, p_ts, p_reason);
  s.rev_position_id := null;
  s.rev_intent_id := null;
  s.rev_instrument_id := null;
  s.ts_rev_until := null;
  p_walk.slot := s;
  return p_walk;
end
$$;
comment on function trade.cancel_reversal(trade.walk_state, trade.runs, timestamp, text) is
  'Gives up the entry that waits for the exit of the position in its slot.';
grant execute on function trade.cancel_reversal(trade.walk_state, trade.runs, timestamp, text) to job_runner;
