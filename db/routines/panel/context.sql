create or replace view panel.context as
select c.ts_event as ts, u.symbol as underlying, f.name as feed, c.name, c.value
from market.context_snapshots c
join ref.instruments u on u.instrument_id = c.underlying_id
join ref.feeds f on f.feed_id = c.feed_id;
comment on view panel.context is
  'Context of the chain snapshots of an instant: vix, vix9d, term (VIX9D / VIX), net_gex (dollars of delta per 1 % move), zero_gamma (level of the underlying).';
comment on column panel.context.ts is 'Instant, Eastern.';
comment on column panel.context.underlying is 'Symbol.';
comment on column panel.context.feed is 'Feed of the snapshots.';
comment on column panel.context.name is 'vix, vix9d, term, net_gex or zero_gamma.';
comment on column panel.context.value is 'In its own unit.';
grant select on panel.context to grafana_reader, job_runner, backup;
