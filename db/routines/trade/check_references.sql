create or replace function trade.check_references() returns trigger
language plpgsql
as $$
begin
  -- By key, row by row: a join might read the whole table that is named.
  case tg_table_name
    when 'order_intents' then
      perform from added a
      where (
          select coalesce(d.position_id, d.decision_id) from trade.decisions d where d.decision_id = a.decision_id
        ) is distinct from a.position_id
        or (
          a.depends_on_id is not null
          and (select d.kind from trade.decisions d where d.decision_id = a.depends_on_id) is distinct from 'exit'
        );
    when 'order_intent_legs' then
      perform from added a
      where (select i.decision_id from trade.order_intents i where i.intent_id = a.intent_id) is distinct from a.decision_id;
    when 'order_events' then
      perform from added a
      where (select i.intent_id from trade.order_intents i where i.intent_id = a.intent_id) is null;
    when 'fills' then
      perform from added a
      where (select i.position_id from trade.order_intents i where i.intent_id = a.intent_id) is distinct from a.position_id;
  end case;
  if found then
    raise exception 'a row of trade.% names a decision, a position or an order that is not its own', tg_table_name
      using errcode = 'foreign_key_violation', schema = 'trade', table = tg_table_name;
  end if;
  return null;
end
$$;
comment on function trade.check_references() is
  'Trigger in place of foreign keys (23503), a statement at a time: an intent has its decision''s position and waits for an exit decision or for none, a leg has '
  'its intent''s decision, an event an intent, a fill its intent''s position.';
create trigger check_references after insert on trade.order_intents
  referencing new table as added for each statement execute function trade.check_references();
create trigger check_references after insert on trade.order_intent_legs
  referencing new table as added for each statement execute function trade.check_references();
create trigger check_references after insert on trade.order_events
  referencing new table as added for each statement execute function trade.check_references();
create trigger check_references after insert on trade.fills
  referencing new table as added for each statement execute function trade.check_references();
