create or replace function trade.open_orders(p_account text, p_as_of timestamp)
returns table (
  intent_id bigint, position_id bigint, purpose text, state text, ts_state timestamp, ts_submitted timestamp, venue_order_id text,
  symbol text, side text, effect text, qty integer, order_type text, limit_px_e4 integer, stop_px_e4 integer, filled_qty integer, legs jsonb,
  is_awaited boolean
)
language sql stable
as $$
  select
    o.intent_id, o.position_id, o.purpose, o.state, o.ts_state, o.ts_submitted, o.venue_order_id, o.symbol, o.side, o.effect, o.qty,
    o.order_type, o.limit_px_e4, o.stop_px_e4, o.filled_qty, o.legs,
    not o.is_over and (
      o.is_canceling
      or (o.purpose = 'protect' and exists (select from trade.decisions d where d.position_id = o.position_id and d.kind = 'exit'))
    )
  from trade.account_orders(p_account, p_as_of) o
  where o.ts_submitted is not null
    -- A fill may be reported behind the cancel, and an order turn up that was unknown and declared not placed.
    and (
      not o.is_over or o.venue_order_id is not null
      or o.state = 'canceled' and exists (select from trade.order_events e where e.intent_id = o.intent_id and e.state = 'unknown')
    )
  order by o.intent_id
$$;
comment on function trade.open_orders(text, timestamp) is
  'The orders of an account that were sent and have not ended, those that ended within 60 s, and those declared not placed within 60 s; is_awaited: it is being canceled, and what comes after it waits '
  'for its end.';
grant execute on function trade.open_orders(text, timestamp) to job_runner;
