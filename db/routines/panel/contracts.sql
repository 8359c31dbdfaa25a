create or replace view panel.contracts as
select
  i.instrument_id,
  i.symbol as contract,
  u.symbol as underlying,
  i.root,
  i.expiration,
  i.option_kind,
  (i.strike_e4 / 10000.0)::numeric(12, 2) as strike,
  i.multiplier,
  i.underlying_id
from ref.instruments i
join ref.instruments u on u.instrument_id = i.underlying_id
where i.kind = 'option';
comment on view panel.contracts is 'Option contracts that have been seen.';
comment on column panel.contracts.instrument_id is 'Key of their quotes and prints.';
comment on column panel.contracts.contract is 'OSI symbol.';
comment on column panel.contracts.underlying is 'Symbol of the underlying.';
comment on column panel.contracts.root is 'Root of the series.';
comment on column panel.contracts.expiration is 'Expiration date.';
comment on column panel.contracts.option_kind is 'call or put.';
comment on column panel.contracts.strike is 'Strike, dollars.';
comment on column panel.contracts.multiplier is 'Shares per contract.';
comment on column panel.contracts.underlying_id is 'Id of the underlying.';
grant select on panel.contracts to grafana_reader, job_runner, backup;
