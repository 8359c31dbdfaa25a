create or replace function trade.cancel_reversal(p_walk trade.walk_state, p_run trade.runs, p_ts timestamp, p_detail text)
returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_journal trade.journal := p_walk.journal;
begin
  v_journal.events := v_journal.events || trade.paper_event(p_run, s.rev_intent_id, p_ts, 'canceled', p_detail);
  s.rev_position_id := null;
  s.rev_intent_id := null;
  s.rev_instrument_id := null;
  s.ts_rev_until := null;
  return row(s, p_walk.day, v_journal)::trade.walk_state;
end
$$;
comment on function trade.cancel_reversal(trade.walk_state, trade.runs, timestamp, text) is
  'Gives up the entry that waits for the exit of the position in its slot.';
grant execute on function trade.cancel_reversal(trade.walk_state, trade.runs, timestamp, text) to job_runner;
