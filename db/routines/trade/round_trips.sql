-- From entry to flat: the closed positions with what they made.
create or replace view trade.round_trips as
select
  p.run_id,
  p.position_id,
  p.account,
  p.instrument_id,
  d.session_date,
  d.direction,
  p.opened_qty as qty,
  p.ts_entry,
  p.ts_last_fill as ts_exit,
  p.opened_notional_e4,
  p.closed_notional_e4,
  d.reason as entry_reason,
  -- Without a decision of ours it was the stop that rests at the broker.
  coalesce(x.reason, 'protective_stop') as exit_reason,
  x.decision_id as exit_decision_id,
  i.multiplier,
  p.cash_e4 * i.multiplier / 10000.0 as gross,
  p.commission,
  p.fees,
  p.cash_e4 * i.multiplier / 10000.0 - p.commission - p.fees as net
from trade.positions p
join trade.decisions d on d.decision_id = p.position_id
join ref.instruments i on i.instrument_id = p.instrument_id
left join trade.decisions x on x.position_id = p.position_id and x.kind = 'exit'
-- As a case, for the planner takes an equality of sums for something that hardly ever happens.
where case when p.qty = 0 then true else false end;
comment on view trade.round_trips is
  'Round trips: positions that are flat again, one row per position and contract. Money is quantity x price x multiplier; short entries make sales minus purchases.';
comment on column trade.round_trips.run_id is 'trade.runs.';
comment on column trade.round_trips.position_id is 'The entry decision.';
comment on column trade.round_trips.account is 'Account.';
comment on column trade.round_trips.instrument_id is 'The contract.';
comment on column trade.round_trips.session_date is 'Session of the entry.';
comment on column trade.round_trips.direction is 'Of the entry''s signal: 1 up, -1 down.';
comment on column trade.round_trips.qty is 'Contracts.';
comment on column trade.round_trips.ts_entry is 'First opening fill, Eastern.';
comment on column trade.round_trips.ts_exit is 'Last closing fill, Eastern.';
comment on column trade.round_trips.opened_notional_e4 is 'Sum of quantity x price of the opening fills, 1/10,000 dollar.';
comment on column trade.round_trips.closed_notional_e4 is 'Sum of quantity x price of the closing fills, 1/10,000 dollar.';
comment on column trade.round_trips.entry_reason is 'Reason of the entry decision.';
comment on column trade.round_trips.exit_reason is 'take_profit, stop_loss, reverse, forced_flat, or protective_stop: the stop that rests at the broker has closed it.';
comment on column trade.round_trips.exit_decision_id is 'The exit decision.';
comment on column trade.round_trips.multiplier is 'Shares per contract.';
comment on column trade.round_trips.gross is 'Sales minus purchases, dollars.';
comment on column trade.round_trips.commission is 'Dollars.';
comment on column trade.round_trips.fees is 'Dollars.';
comment on column trade.round_trips.net is 'Gross minus commission and fees, dollars.';
grant select on trade.round_trips to job_runner, backup;
