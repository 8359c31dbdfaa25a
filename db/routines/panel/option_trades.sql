create or replace view panel.option_trades as
select
  t.instrument_id,
  t.feed_id,
  t.ts_event as ts,
  t.seq,
  (t.px_e4 / 10000.0)::numeric(12, 4) as px,
  t.sz
from market.option_trades t;
comment on view panel.option_trades is
  'Prints of options in dollars. Filter on instrument_id (panel.contracts) and feed_id (panel.feeds), and on ts where speed matters.';
comment on column panel.option_trades.instrument_id is 'panel.contracts.';
comment on column panel.option_trades.feed_id is 'panel.feeds.';
comment on column panel.option_trades.ts is 'Vendor''s time, Eastern.';
comment on column panel.option_trades.seq is 'Order among prints of one instant.';
comment on column panel.option_trades.px is 'Price, dollars a share.';
comment on column panel.option_trades.sz is 'Contracts.';
grant select on panel.option_trades to grafana_reader, job_runner, backup;
