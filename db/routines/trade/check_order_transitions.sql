create or replace function trade.check_order_transitions() returns trigger
language plpgsql
as $$
declare
  v_wrong record;
begin
  select x.* into v_wrong
  from (
    select
      a.intent_id, a.state,
      coalesce(
        lag(a.state) over (partition by a.intent_id order by a.event_id),
        (select e.state from trade.order_events e where e.intent_id = a.intent_id and e.event_id < a.event_id order by e.event_id desc limit 1),
        'created'
      ) as before
    from added a
  ) x
  where not exists (select from trade.order_transitions t where t.from_state = x.before and t.to_state = x.state)
  limit 1;
  if found then
    raise exception 'order % may not go from % to %', v_wrong.intent_id, v_wrong.before, v_wrong.state using errcode = 'SB005';
  end if;
  return null;
end
$$;
comment on function trade.check_order_transitions() is 'Trigger that keeps order events to trade.order_transitions (SB005).';
create trigger check_transitions after insert on trade.order_events
  referencing new table as added for each statement execute function trade.check_order_transitions();
