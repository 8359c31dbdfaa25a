create or replace view panel.underlying_prices as
select
  t.instrument_id,
  t.feed_id,
  t.ts_event as ts,
  t.seq,
  t.ts_event + make_interval(secs => t.span_ms / 1000.0) as ts_known,
  (t.close_e4 / 10000.0)::numeric(12, 4) as price
from market.equity_ticks t;
comment on view panel.underlying_prices is
  'Prices of equities and indices as they came, print by print or aggregate by aggregate, in dollars. Filter on instrument_id, feed_id and ts: there are many.';
comment on column panel.underlying_prices.instrument_id is 'Id of the underlying, as in panel.positions.';
comment on column panel.underlying_prices.feed_id is 'panel.feeds.';
comment on column panel.underlying_prices.ts is 'Vendor''s time, Eastern: of a print its instant, of an aggregate its start.';
comment on column panel.underlying_prices.seq is 'Order among those of one instant.';
comment on column panel.underlying_prices.ts_known is 'When it could be known, Eastern: of an aggregate its end.';
comment on column panel.underlying_prices.price is 'Price, of an aggregate its close, dollars.';
grant select on panel.underlying_prices to grafana_reader, job_runner, backup;
