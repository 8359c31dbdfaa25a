create or replace function trade.cancel_entry(
  p_walk trade.walk_state, p_run trade.runs, p_strategy ref.strategies, p_ts timestamp, p_detail text
) returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_journal trade.journal := p_walk.journal;
begin
  v_journal.events := v_journal.events || trade.paper_event(p_run, s.intent_id, p_ts, 'canceled', p_detail);
  s.phase := 'open';
  if s.qty = 0 then
    return trade.vacate_slot(row(s, p_walk.day, v_journal)::trade.walk_state, p_run, p_strategy, p_ts);
  end if;
  return row(s, p_walk.day, v_journal)::trade.walk_state;
end
$$;
comment on function trade.cancel_entry(trade.walk_state, trade.runs, ref.strategies, timestamp, text) is
  'Cancels the working entry of a slot: what has filled of it is the position, and without a fill the slot is vacated.';
grant execute on function trade.cancel_entry(trade.walk_state, trade.runs, ref.strategies, timestamp, text) to job_runner;
