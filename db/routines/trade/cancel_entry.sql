create or replace function trade.cancel_entry(
  p_walk trade.walk_state, p_run trade.runs, p_strategy ref.strategies, p_ts timestamp, p_reason text
) returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_journal trade.journal;
begin
  if s.ts_until = 'infinity' then
    -- Its cancel is on the way.
    return p_walk;
  end if;
  v_journal := trade.cancel_order(p_walk.journal, p_run, s.intent_id, p_ts, p_reason);
  if p_run.broker <> 'paper' then
    -- Only the broker can say that an order has ended: until then it may fill, and the slot is taken.
    s.ts_until := 'infinity';
    return row(s, p_walk.day, v_journal)::trade.walk_state;
  end if;
  s.phase := 'open';
  if s.qty = 0 then
    return trade.vacate_slot(row(s, p_walk.day, v_journal)::trade.walk_state, p_run, p_strategy, p_ts);
  end if;
  return row(s, p_walk.day, v_journal)::trade.walk_state;
end
$$;
comment on function trade.cancel_entry(trade.walk_state, trade.runs, ref.strategies, timestamp, text) is
  'Cancels the working entry of a slot. On paper that is the end of it: what has filled is the position, and without a fill the slot is vacated.';
grant execute on function trade.cancel_entry(trade.walk_state, trade.runs, ref.strategies, timestamp, text) to job_runner;
