-- Positions as the fills make them (table 5 of the specification).
create or replace view trade.positions as
select
  f.run_id,
  f.position_id,
  f.account,
  f.instrument_id,
  sum(f.qty) filter (where f.effect = 'open') as opened_qty,
  coalesce(sum(f.qty) filter (where f.effect = 'close'), 0) as closed_qty,
  sum(case f.side when 'buy' then f.qty else -f.qty end) as qty,
  coalesce(sum(f.qty * f.px_e4::bigint) filter (where f.effect = 'open'), 0) as opened_notional_e4,
  coalesce(sum(f.qty * f.px_e4::bigint) filter (where f.effect = 'close'), 0) as closed_notional_e4,
  sum(f.qty * f.px_e4::bigint * case f.side when 'sell' then 1 else -1 end) as cash_e4,
  sum(f.commission) as commission,
  sum(f.fees) as fees,
  min(f.ts) filter (where f.effect = 'open') as ts_entry,
  max(f.ts) as ts_last_fill,
  min(f.leg_no) filter (where f.effect = 'open') as leg_no,
  min(f.side) filter (where f.effect = 'open') as side
from trade.fills f
group by f.run_id, f.position_id, f.account, f.instrument_id;
comment on view trade.positions is
  'Positions (table 5 of the specification) folded from trade.fills: one row per position and contract, open and flat ones.';
comment on column trade.positions.run_id is 'trade.runs: the run of the entry; a later run of the account may have closed it.';
comment on column trade.positions.position_id is 'The entry decision.';
comment on column trade.positions.account is 'Account.';
comment on column trade.positions.instrument_id is 'The contract.';
comment on column trade.positions.opened_qty is 'Contracts that were opened; null where a close came without an opening.';
comment on column trade.positions.closed_qty is 'Contracts that were closed again.';
comment on column trade.positions.qty is 'Contracts held now: negative when short, 0 when flat.';
comment on column trade.positions.opened_notional_e4 is 'Sum of quantity x price of the opening fills, 1/10,000 dollar.';
comment on column trade.positions.closed_notional_e4 is 'Sum of quantity x price of the closing fills, 1/10,000 dollar.';
comment on column trade.positions.cash_e4 is 'Sales minus purchases, quantity x price, 1/10,000 dollar; times the multiplier it is money.';
comment on column trade.positions.commission is 'Commissions so far, dollars.';
comment on column trade.positions.fees is 'Fees so far, dollars.';
comment on column trade.positions.ts_entry is 'First opening fill, Eastern.';
comment on column trade.positions.ts_last_fill is 'Last fill, Eastern: the exit once it is flat.';
comment on column trade.positions.leg_no is 'Leg of the entry that opened it: 1, 2, …';
comment on column trade.positions.side is 'Side of the opening fills: sell or buy.';
grant select on trade.positions to job_runner, backup;
