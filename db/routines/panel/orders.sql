create or replace view panel.orders as
select
  o.ts,
  r.strategy,
  o.run_id,
  o.purpose,
  o.attempt,
  i.symbol as contract,
  o.side,
  o.effect,
  o.qty,
  o.order_type,
  (o.limit_px_e4 / 10000.0)::numeric(12, 4) as limit_px,
  o.state,
  o.ts_state,
  o.filled_qty,
  (o.filled_notional_e4 / nullif(o.filled_qty, 0) / 10000)::numeric(12, 4) as avg_px,
  o.detail,
  o.venue_order_id,
  r.account,
  r.mode,
  r.quote_source,
  o.intent_id,
  o.decision_id,
  o.position_id
from trade.orders o
join trade.runs r on r.run_id = o.run_id
join trade.decisions d on d.decision_id = o.position_id
join ref.instruments i on i.instrument_id = d.instrument_id;
comment on view panel.orders is 'Orders in their current state, in dollars.';
comment on column panel.orders.ts is 'When the order intent was written in event time, Eastern.';
comment on column panel.orders.strategy is 'Strategy.';
comment on column panel.orders.run_id is 'panel.runs.';
comment on column panel.orders.purpose is 'entry or exit.';
comment on column panel.orders.attempt is '1, 2, …: each replaces the one before.';
comment on column panel.orders.contract is 'OSI symbol of the option, or name of the spread.';
comment on column panel.orders.side is 'buy or sell: the option, or the spread.';
comment on column panel.orders.effect is 'open or close.';
comment on column panel.orders.qty is 'Contracts, or spreads, ordered.';
comment on column panel.orders.order_type is 'limit or market.';
comment on column panel.orders.limit_px is 'Limit, dollars a share; of a spread its net credit or debit; null for a market order.';
comment on column panel.orders.state is 'created, denied, submitted, unknown, accepted, partially_filled, filled, canceled, rejected or expired.';
comment on column panel.orders.ts_state is 'Since when, Eastern.';
comment on column panel.orders.filled_qty is 'Contracts, or whole spreads, filled.';
comment on column panel.orders.avg_px is 'Average price of the fills, dollars a share; of a spread the net.';
comment on column panel.orders.detail is 'What the last event says in words.';
comment on column panel.orders.venue_order_id is 'The broker''s order id.';
comment on column panel.orders.account is 'Account.';
comment on column panel.orders.mode is 'live, replay or backtest.';
comment on column panel.orders.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.orders.intent_id is 'The order intent.';
comment on column panel.orders.decision_id is 'The decision that it carries out.';
comment on column panel.orders.position_id is 'The entry decision of its position.';
grant select on panel.orders to grafana_reader, job_runner, backup;
