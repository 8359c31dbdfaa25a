create or replace view panel.chain_contracts as
select
  o.snapshot_id,
  i.symbol as contract,
  i.expiration,
  i.option_kind,
  (i.strike_e4 / 10000.0)::numeric(12, 4) as strike,
  (o.bid_px_e4 / 10000.0)::numeric(12, 4) as bid,
  (o.ask_px_e4 / 10000.0)::numeric(12, 4) as ask,
  o.bid_sz,
  o.ask_sz,
  (o.last_px_e4 / 10000.0)::numeric(12, 4) as last,
  o.volume,
  o.open_interest,
  o.implied_volatility as iv,
  o.delta,
  o.gamma,
  o.theta,
  o.vega,
  o.ts_quote,
  o.ts_greeks
from market.option_snapshots o
join ref.instruments i on i.instrument_id = o.instrument_id;
comment on view panel.chain_contracts is 'The contracts of chain snapshots in dollars, as the vendor sent them. Filter on snapshot_id (panel.chains).';
comment on column panel.chain_contracts.snapshot_id is 'panel.chains.';
comment on column panel.chain_contracts.contract is 'OSI symbol.';
comment on column panel.chain_contracts.expiration is 'Expiration date.';
comment on column panel.chain_contracts.option_kind is 'call or put.';
comment on column panel.chain_contracts.strike is 'Dollars.';
comment on column panel.chain_contracts.bid is 'Dollars a share; null is none.';
comment on column panel.chain_contracts.ask is 'Dollars a share; null is none.';
comment on column panel.chain_contracts.bid_sz is 'Contracts bid for.';
comment on column panel.chain_contracts.ask_sz is 'Contracts offered.';
comment on column panel.chain_contracts.last is 'Last trade, dollars a share.';
comment on column panel.chain_contracts.volume is 'Contracts traded that day.';
comment on column panel.chain_contracts.open_interest is 'Contracts open the evening before.';
comment on column panel.chain_contracts.iv is 'The vendor''s, of the middle of the quote; 0.20 is 20 %.';
comment on column panel.chain_contracts.delta is 'The vendor''s.';
comment on column panel.chain_contracts.gamma is 'The vendor''s.';
comment on column panel.chain_contracts.theta is 'The vendor''s, dollars a day.';
comment on column panel.chain_contracts.vega is 'The vendor''s, dollars per point of volatility.';
comment on column panel.chain_contracts.ts_quote is 'The quote''s own time, Eastern.';
comment on column panel.chain_contracts.ts_greeks is 'When the vendor made its greeks, Eastern.';
grant select on panel.chain_contracts to grafana_reader, job_runner, backup;
