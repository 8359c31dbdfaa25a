create or replace function trade.known_orders(p_account text, p_from timestamp) returns table (venue_order_id text)
language sql stable
as $$
  select distinct e.venue_order_id
  from trade.runs r
  -- By the intents first: that is where the index is. They are older than their events, but not by days.
  cross join lateral (
    select i.intent_id from trade.order_intents i where i.run_id = r.run_id and i.ts >= p_from - interval '1 day' offset 0
  ) i
  join trade.order_events e on e.intent_id = i.intent_id
  where r.account = p_account and r.mode = 'live' and r.ts_to > p_from and e.ts >= p_from and e.venue_order_id is not null
$$;
comment on function trade.known_orders(text, timestamp) is 'Broker''s order ids that belong to an order of ours since p_from.';
grant execute on function trade.known_orders(text, timestamp) to job_runner;
