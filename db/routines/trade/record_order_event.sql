create or replace function trade.record_order_event(
  p_intent_id bigint, p_epoch bigint, p_ts timestamp, p_state text, p_venue_order_id text, p_qty integer, p_detail text
) returns boolean
language plpgsql volatile
as $$
declare
  v_run trade.runs := trade.check_fence(p_intent_id, p_epoch);
  v_last record;
  v_sent_qty integer;
begin
  select o.state, o.venue_order_id, o.filled_qty, e.qty into v_last
  from trade.orders o
  left join lateral (
    select x.qty from trade.order_events x where x.intent_id = o.intent_id order by x.event_id desc limit 1
  ) e on true
  where o.intent_id = p_intent_id;
  if v_last.state = p_state and (p_venue_order_id is null or p_venue_order_id = v_last.venue_order_id)
    and (p_state <> 'partially_filled' or v_last.qty = v_last.filled_qty) then
    return false;
  end if;
  if p_state = 'partially_filled' then
    p_qty := v_last.filled_qty;
  elsif p_state = 'filled' then
    select e.qty into v_sent_qty from trade.order_events e where e.intent_id = p_intent_id and e.state = 'submitted';
    if v_last.filled_qty < v_sent_qty then
      -- It would end with less closed than it was for, and the next attempt would close that once more.
      raise exception 'order % is not filled: % of % contracts are', p_intent_id, v_last.filled_qty, v_sent_qty using errcode = 'SB005';
    end if;
  end if;
  insert into trade.order_events (intent_id, run_id, ts, state, venue_order_id, detail, epoch, qty)
  values (p_intent_id, v_run.run_id, p_ts, p_state, p_venue_order_id, p_detail, p_epoch, p_qty);
  return true;
end
$$;
comment on function trade.record_order_event(bigint, bigint, timestamp, text, text, integer, text) is
  'Appends what happened to an order at its broker; false where it was in that state already, with the same fills. SB010: another process has the '
  'account; SB005: the state may not follow the one before, or an order is told filled before its fills are.';
grant execute on function trade.record_order_event(bigint, bigint, timestamp, text, text, integer, text) to job_runner;
