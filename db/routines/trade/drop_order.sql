create or replace function trade.drop_order(p_intent_id bigint, p_epoch bigint, p_ts timestamp, p_state text, p_reason text) returns void
language plpgsql volatile
as $$
begin
  perform trade.check_fence(p_intent_id, p_epoch);
  if exists (select from trade.order_events e where e.intent_id = p_intent_id and e.state = 'submitted') then
    raise exception 'order % was sent: it cannot be dropped', p_intent_id using errcode = 'SB005';
  end if;
  perform trade.record_order_event(p_intent_id, p_epoch, p_ts, p_state, null, null, p_reason);
end
$$;
comment on function trade.drop_order(bigint, bigint, timestamp, text, text) is
  'Ends an order that was never sent: denied (by us) or canceled. SB005 where it was sent after all.';
grant execute on function trade.drop_order(bigint, bigint, timestamp, text, text) to job_runner;
