create or replace view panel.fills as
select
  f.ts,
  r.strategy,
  f.run_id,
  d.session_date,
  o.purpose,
  i.symbol as contract,
  f.side,
  f.effect,
  f.qty,
  (f.px_e4 / 10000.0)::numeric(12, 4) as px,
  (m.modelled_e4 / 10000.0)::numeric(12, 4) as modelled_px,
  (
    (m.modelled_e4 - f.px_e4) * case f.side when 'sell' then 1 else -1 end * f.qty * i.multiplier / 10000.0
  )::numeric(16, 2) as slippage,
  f.commission,
  f.fees,
  d.reason,
  d.ts as ts_decision,
  f.quote_ts as ts_quote,
  o.attempt,
  r.mode,
  r.quote_source,
  f.account,
  f.execution_id,
  f.fill_id,
  f.intent_id,
  o.decision_id,
  f.position_id
from trade.fills f
join trade.runs r on r.run_id = f.run_id
join trade.order_intents o on o.intent_id = f.intent_id
join trade.decisions d on d.decision_id = o.decision_id
join ref.instruments i on i.instrument_id = f.instrument_id
-- What was counted on for a spread is a price of the whole.
cross join lateral (
  select case when r.params ->> 'structure' = 'credit_vertical' then null else d.trigger_px_e4 end as modelled_e4
) m;
comment on view panel.fills is 'Executions in dollars, with the price that their decision saw.';
comment on column panel.fills.ts is 'When it was executed, Eastern.';
comment on column panel.fills.strategy is 'Strategy.';
comment on column panel.fills.run_id is 'panel.runs.';
comment on column panel.fills.session_date is 'Session of the decision.';
comment on column panel.fills.purpose is 'entry, exit or protect.';
comment on column panel.fills.contract is 'OSI symbol of the option.';
comment on column panel.fills.side is 'buy or sell.';
comment on column panel.fills.effect is 'open or close.';
comment on column panel.fills.qty is 'Contracts.';
comment on column panel.fills.px is 'Price, dollars a share.';
comment on column panel.fills.modelled_px is 'What the decision counted on: the bid that it would sell at, the ask that it would buy at, dollars a share; null of a leg of a spread.';
comment on column panel.fills.slippage is 'What it cost that the fill was not at modelled_px, dollars; below 0 it was better. Null where the decision had no quote, and of a leg of a spread.';
comment on column panel.fills.commission is 'Dollars.';
comment on column panel.fills.fees is 'Dollars.';
comment on column panel.fills.reason is 'Reason of the decision.';
comment on column panel.fills.ts_decision is 'When it was decided, Eastern.';
comment on column panel.fills.ts_quote is 'Time of the quote that filled it (paper), Eastern.';
comment on column panel.fills.attempt is 'Attempt of the order.';
comment on column panel.fills.mode is 'live, replay or backtest.';
comment on column panel.fills.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.fills.account is 'Account.';
comment on column panel.fills.execution_id is 'The broker''s id of the execution; paper ones are made up.';
comment on column panel.fills.fill_id is 'Key; panel.lineage(fill_id) leads to its ticks.';
comment on column panel.fills.intent_id is 'The order intent.';
comment on column panel.fills.decision_id is 'The decision that it carries out.';
comment on column panel.fills.position_id is 'The entry decision of its position.';
grant select on panel.fills to grafana_reader, job_runner, backup;
