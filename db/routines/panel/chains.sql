create or replace view panel.chains as
select
  s.snapshot_id,
  s.ts_event as ts,
  u.symbol as underlying,
  f.name as feed,
  f.source,
  s.expiration,
  s.expiration - s.ts_event::date as dte,
  (s.underlying_px_e4 / 10000.0)::numeric(12, 4) as underlying_px,
  s.delay_ms,
  s.ts_recv
from market.chain_snapshots s
join ref.instruments u on u.instrument_id = s.underlying_id
join ref.feeds f on f.feed_id = s.feed_id;
comment on view panel.chains is 'Chain snapshots: whole chains at one instant.';
comment on column panel.chains.snapshot_id is 'Key, for panel.chain_contracts and panel.chain_gamma.';
comment on column panel.chains.ts is 'Instant, Eastern; of a scheduled snapshot the one for which it was due.';
comment on column panel.chains.underlying is 'Symbol.';
comment on column panel.chains.feed is 'Feed.';
comment on column panel.chains.source is 'recorded or simulated.';
comment on column panel.chains.expiration is 'The expiration that it holds; null: all of them.';
comment on column panel.chains.dte is 'Calendar days to it.';
comment on column panel.chains.underlying_px is 'The underlying''s price of that instant, dollars.';
comment on column panel.chains.delay_ms is 'How far behind the vendor''s quotes were, in milliseconds.';
comment on column panel.chains.ts_recv is 'When it was received, Eastern.';
grant select on panel.chains to grafana_reader, job_runner, backup;
