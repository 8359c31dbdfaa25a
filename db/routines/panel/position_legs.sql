-- The contracts of a position one by one; of a position in one contract the one.
create or replace view panel.position_legs as
select
  p.position_id,
  p.run_id,
  p.leg_no,
  i.symbol as contract,
  i.option_kind,
  (i.strike_e4 / 10000.0)::numeric(12, 2) as strike,
  i.expiration,
  case p.side when 'sell' then 'short' else 'long' end as side,
  p.opened_qty::integer as qty,
  p.qty::integer as held,
  (p.opened_notional_e4 / p.opened_qty / 10000)::numeric(12, 4) as entry_px,
  (p.closed_notional_e4 / nullif(p.closed_qty, 0) / 10000)::numeric(12, 4) as exit_px,
  (p.cash_e4 * i.multiplier / 10000.0)::numeric(16, 2) as cash,
  (p.commission + p.fees)::numeric(16, 4) as fees,
  p.ts_entry,
  case when p.qty = 0 then p.ts_last_fill end as ts_exit,
  i.multiplier,
  p.instrument_id,
  r.quote_feed_id
from trade.positions p
join trade.runs r on r.run_id = p.run_id
join ref.instruments i on i.instrument_id = p.instrument_id
where p.opened_qty is not null;
comment on view panel.position_legs is
  'The contracts of positions (panel.positions), a row each, in dollars: what each leg brought or cost. Filter on position_id or run_id.';
comment on column panel.position_legs.position_id is 'panel.positions.';
comment on column panel.position_legs.run_id is 'panel.runs.';
comment on column panel.position_legs.leg_no is '1, 2, …: the first leg of a spread is the one that is sold.';
comment on column panel.position_legs.contract is 'OSI symbol.';
comment on column panel.position_legs.option_kind is 'call or put.';
comment on column panel.position_legs.strike is 'Strike, dollars.';
comment on column panel.position_legs.expiration is 'Expiration date.';
comment on column panel.position_legs.side is 'short or long.';
comment on column panel.position_legs.qty is 'Contracts that were opened.';
comment on column panel.position_legs.held is 'Contracts held now, negative when short; 0 when closed.';
comment on column panel.position_legs.entry_px is 'Average price of the opening fills, dollars a share.';
comment on column panel.position_legs.exit_px is 'Average price of the closing fills so far, dollars a share; null without any.';
comment on column panel.position_legs.cash is 'Sales minus purchases so far, dollars: the gross of the leg once it is flat.';
comment on column panel.position_legs.fees is 'Commission and fees so far, dollars.';
comment on column panel.position_legs.ts_entry is 'First opening fill, Eastern.';
comment on column panel.position_legs.ts_exit is 'Last closing fill, Eastern; null while open.';
comment on column panel.position_legs.multiplier is 'Shares per contract.';
comment on column panel.position_legs.instrument_id is 'Id of the contract, for panel.option_quotes and panel.option_trades.';
comment on column panel.position_legs.quote_feed_id is 'panel.feeds: of the option quotes.';
grant select on panel.position_legs to grafana_reader, job_runner, backup;
