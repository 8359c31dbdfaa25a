create or replace procedure trade.write_journal(p_journal trade.journal)
language plpgsql
as $$
begin
  insert into trade.decisions overriding system value select d.* from unnest(p_journal.decisions) d;
  insert into trade.order_intents overriding system value select i.* from unnest(p_journal.intents) i;
  insert into trade.order_intent_legs select l.* from unnest(p_journal.legs) l;
  insert into trade.order_events overriding system value select e.* from unnest(p_journal.events) e order by e.event_id;
  insert into trade.cancel_requests overriding system value select c.* from unnest(p_journal.cancels) c;
  insert into trade.fills overriding system value select f.* from unnest(p_journal.fills) f;
end
$$;
comment on procedure trade.write_journal(trade.journal) is 'Inserts what a slice has collected: decisions, intents, legs, order events, cancel requests, fills.';
grant execute on procedure trade.write_journal(trade.journal) to job_runner;
