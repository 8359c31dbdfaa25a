-- The current state of every order: its intent with its events and fills folded in.
create or replace view trade.orders as
select
  i.intent_id,
  i.run_id,
  i.decision_id,
  i.position_id,
  i.attempt,
  i.purpose,
  i.ts,
  l.instrument_id,
  l.side,
  l.effect,
  i.order_type,
  i.limit_px_e4,
  i.qty,
  i.slot,
  i.ts_valid_until,
  i.depends_on_id,
  coalesce(e.state, 'created') as state,
  coalesce(e.ts, i.ts) as ts_state,
  e.detail,
  v.venue_order_id,
  coalesce(f.filled_qty, 0)::integer as filled_qty,
  f.filled_notional_e4,
  i.stop_px_e4
from trade.order_intents i
join trade.order_intent_legs l on l.intent_id = i.intent_id and l.leg_no = 1
left join lateral (
  select x.state, x.ts, x.detail
  from trade.order_events x
  where x.intent_id = i.intent_id
  order by x.event_id desc
  limit 1
) e on true
left join lateral (
  select x.venue_order_id
  from trade.order_events x
  where x.intent_id = i.intent_id and x.venue_order_id is not null
  order by x.event_id desc
  limit 1
) v on true
left join lateral (
  -- Whole is what every leg has filled.
  select min(y.filled_qty) as filled_qty, sum(case y.side when l.side then y.notional_e4 else -y.notional_e4 end) as filled_notional_e4
  from (
    select g.leg_no, g.side, coalesce(sum(x.qty), 0) as filled_qty, sum(x.qty * x.px_e4::bigint) as notional_e4
    from trade.order_intent_legs g
    -- By the position first: that is where the index is.
    left join trade.fills x on x.position_id = i.position_id and x.intent_id = i.intent_id and x.leg_no = g.leg_no
    where g.intent_id = i.intent_id
    group by g.leg_no, g.side
  ) y
) f on true;
comment on view trade.orders is
  'Orders in their current state: one row per intent, folded from trade.order_events and trade.fills. An intent without events is created.';
comment on column trade.orders.intent_id is 'trade.order_intents.';
comment on column trade.orders.run_id is 'trade.runs.';
comment on column trade.orders.decision_id is 'The decision that it carries out.';
comment on column trade.orders.position_id is 'The entry decision of its position.';
comment on column trade.orders.attempt is '1, 2, …: each replaces the one before.';
comment on column trade.orders.purpose is 'entry, exit or protect.';
comment on column trade.orders.ts is 'When the intent was written in event time, Eastern.';
comment on column trade.orders.instrument_id is 'Contract of the first leg.';
comment on column trade.orders.side is 'buy or sell, of the first leg.';
comment on column trade.orders.effect is 'open or close, of the first leg.';
comment on column trade.orders.order_type is 'limit, market or stop.';
comment on column trade.orders.limit_px_e4 is 'Limit, 1/10,000 dollar; null for a market order.';
comment on column trade.orders.qty is 'Contracts ordered, of several legs combinations.';
comment on column trade.orders.slot is 'trade.position_slots.';
comment on column trade.orders.ts_valid_until is 'Cancelled if unfilled by then; null stands until replaced.';
comment on column trade.orders.depends_on_id is 'Of a reversal: the exit decision that must fill first.';
comment on column trade.orders.state is 'State after the last event, as trade.order_transitions names them.';
comment on column trade.orders.ts_state is 'Since when, Eastern.';
comment on column trade.orders.detail is 'What the last event says in words.';
comment on column trade.orders.venue_order_id is 'The broker''s order id, once there is one.';
comment on column trade.orders.stop_px_e4 is 'Of a stop order, 1/10,000 dollar.';
comment on column trade.orders.filled_qty is 'Contracts filled; of several legs combinations that are whole.';
comment on column trade.orders.filled_notional_e4 is
  'Sum of quantity x price of the fills, 1/10,000 dollar; null without a fill. Of several legs those like the first less the others.';
grant select on trade.orders to job_runner, backup;
