create or replace function trade.add_intent(
  p_journal trade.journal, p_intent_id bigint, p_run_id bigint, p_decision_id bigint, p_position_id bigint, p_attempt smallint,
  p_purpose text, p_ts timestamp, p_limit_px_e4 integer, p_qty integer, p_slot smallint, p_valid_until timestamp, p_depends_on_id bigint,
  p_instrument_id integer, p_side text
) returns trade.journal
language plpgsql immutable
as $$
begin
  p_journal.intents := p_journal.intents || row(
    p_intent_id, p_run_id, p_decision_id, p_position_id, p_attempt, p_purpose, p_ts,
    case when p_limit_px_e4 is null then 'market' else 'limit' end, p_limit_px_e4, p_qty, p_slot, p_valid_until, p_depends_on_id, null
  )::trade.order_intents;
  p_journal.legs := p_journal.legs || row(
    p_intent_id, p_decision_id, p_attempt, 1, p_instrument_id, p_side, case p_purpose when 'entry' then 'open' else 'close' end, p_qty
  )::trade.order_intent_legs;
  return p_journal;
end
$$;
comment on function trade.add_intent(
  trade.journal, bigint, bigint, bigint, bigint, smallint, text, timestamp, integer, integer, smallint, timestamp, bigint, integer, text
) is 'The journal with one more order intent of one leg; a limit of null is a market order.';
grant execute on function trade.add_intent(
  trade.journal, bigint, bigint, bigint, bigint, smallint, text, timestamp, integer, integer, smallint, timestamp, bigint, integer, text
) to job_runner;
