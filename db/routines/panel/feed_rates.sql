create or replace view panel.feed_rates as
select
  r.ts,
  f.name as feed,
  r.stream,
  r.frames,
  r.events,
  r.bytes,
  r.symbols,
  r.burst_100ms,
  r.lag_p50_ms,
  r.lag_p99_ms,
  r.lag_max_ms,
  r.spooled_bytes,
  r.feed_id
from ops.feed_rates r
join ref.feeds f on f.feed_id = r.feed_id;
comment on view panel.feed_rates is 'What each stream brought, minute by minute, measured as it was received.';
comment on column panel.feed_rates.ts is 'Start of the minute of receipt, Eastern.';
comment on column panel.feed_rates.feed is 'Feed.';
comment on column panel.feed_rates.stream is 'Name of the stream.';
comment on column panel.feed_rates.frames is 'Frames.';
comment on column panel.feed_rates.events is 'Rows in them; divided by 60, messages a second.';
comment on column panel.feed_rates.bytes is 'Bytes of the frames.';
comment on column panel.feed_rates.symbols is 'Different symbols among them.';
comment on column panel.feed_rates.burst_100ms is 'Most rows received in 100 ms.';
comment on column panel.feed_rates.lag_p50_ms is 'Median of receipt minus the event''s time, milliseconds.';
comment on column panel.feed_rates.lag_p99_ms is 'Its 99th percentile.';
comment on column panel.feed_rates.lag_max_ms is 'Its maximum.';
comment on column panel.feed_rates.spooled_bytes is 'Bytes waiting on disk at the minute''s end.';
comment on column panel.feed_rates.feed_id is 'panel.feeds.';
grant select on panel.feed_rates to grafana_reader, job_runner, backup;
