-- From entry to flat: the closed positions with what they made.
create or replace view trade.round_trips as
select
  t.run_id,
  t.position_id,
  r.account,
  t.instrument_id,
  t.legs,
  t.session_date,
  d.direction,
  t.qty,
  t.ts_entry,
  t.ts_exit,
  t.opened_notional_e4::numeric as opened_notional_e4,
  t.closed_notional_e4::numeric as closed_notional_e4,
  t.bound_e4,
  d.reason as entry_reason,
  -- Looked up one by one, for those who ask: joined, the exits of all runs would be read. Without any it was the stop that rests at the broker.
  coalesce(
    (select x.reason from trade.decisions x where x.position_id = t.position_id and x.kind = 'exit'), 'protective_stop'
  ) as exit_reason,
  (select x.decision_id from trade.decisions x where x.position_id = t.position_id and x.kind = 'exit') as exit_decision_id,
  t.gross_e4,
  t.net_e4,
  t.gross_e4 / 10000.0 as gross,
  (t.gross_e4 - t.net_e4) / 10000.0 as fees,
  t.net_e4 / 10000.0 as net
from trade.closed_trips t
-- By their keys, and left: who does not ask for the account or the entry does not pay for it.
left join trade.runs r on r.run_id = t.run_id
left join trade.decisions d on d.decision_id = t.position_id
where t.is_flat
  and not exists (select from trade.closed_trips x where x.position_id = t.position_id and x.revision > t.revision and x.revision > 0);
comment on view trade.round_trips is
  'Round trips: positions that are flat again, one row each, however many legs they have. Money is quantity x price x multiplier; short entries make sales minus '
  'purchases.';
comment on column trade.round_trips.run_id is 'trade.runs: the run of the entry; a later run of the account may have closed it.';
comment on column trade.round_trips.position_id is 'The entry decision.';
comment on column trade.round_trips.account is 'Account.';
comment on column trade.round_trips.instrument_id is 'What was traded: the contract, or the spread.';
comment on column trade.round_trips.legs is 'Number of its contracts: 1, or those of a spread.';
comment on column trade.round_trips.session_date is 'Session of the entry.';
comment on column trade.round_trips.direction is 'Of the entry''s signal: 1 up, -1 down.';
comment on column trade.round_trips.qty is 'Contracts, or spreads, that were opened.';
comment on column trade.round_trips.ts_entry is 'First opening fill, Eastern.';
comment on column trade.round_trips.ts_exit is 'Last fill, Eastern.';
comment on column trade.round_trips.opened_notional_e4 is
  'Sum of quantity x price of the opening fills, 1/10,000 dollar; of a spread sales minus purchases: the credit, below 0 a debit.';
comment on column trade.round_trips.closed_notional_e4 is
  'Sum of quantity x price of the closing fills, 1/10,000 dollar; of a spread purchases minus sales: what closing cost.';
comment on column trade.round_trips.bound_e4 is
  'The capital that it binds, 1/10,000 dollar: strike x multiplier x contracts; of a spread the distance of its strikes x multiplier x spreads.';
comment on column trade.round_trips.entry_reason is 'Reason of the entry decision.';
comment on column trade.round_trips.exit_reason is
  'take_profit, stop_loss, reverse, forced_flat, or protective_stop: the stop that rests at the broker has closed it.';
comment on column trade.round_trips.exit_decision_id is 'The exit decision; null where the stop at the broker was quicker.';
comment on column trade.round_trips.gross_e4 is 'Sales minus purchases, 1/10,000 dollar.';
comment on column trade.round_trips.net_e4 is 'Gross minus commission and fees, 1/10,000 dollar.';
comment on column trade.round_trips.gross is 'Sales minus purchases, dollars.';
comment on column trade.round_trips.fees is 'Commission and fees, dollars.';
comment on column trade.round_trips.net is 'Gross minus commission and fees, dollars.';
grant select on trade.round_trips to job_runner, backup;
