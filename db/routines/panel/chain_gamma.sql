create or replace view panel.chain_gamma as
select
  g.snapshot_id,
  (g.strike_e4 / 10000.0)::numeric(12, 4) as strike,
  g.call_gex,
  g.put_gex,
  g.call_gex + g.put_gex as net_gex
from market.chain_gamma g;
comment on view panel.chain_gamma is
  'Gamma exposure of chain snapshots by strike, dollars of delta per 1 % move: calls positive, puts negative, as if dealers were long the calls and short the puts.';
comment on column panel.chain_gamma.snapshot_id is 'panel.chains.';
comment on column panel.chain_gamma.strike is 'Dollars.';
comment on column panel.chain_gamma.call_gex is 'Of the calls.';
comment on column panel.chain_gamma.put_gex is 'Of the puts.';
comment on column panel.chain_gamma.net_gex is 'Both together.';
grant select on panel.chain_gamma to grafana_reader, job_runner, backup;
