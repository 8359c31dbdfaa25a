create or replace view panel.feeds as
select
  f.feed_id,
  f.name as feed,
  f.kind,
  f.source,
  f.span_ms,
  f.stale_after_ms,
  f.description
from ref.feeds f;
comment on view panel.feeds is 'Feeds: sources of rows at one resolution.';
comment on column panel.feeds.feed_id is 'Key.';
comment on column panel.feeds.feed is 'Name.';
comment on column panel.feeds.kind is 'equity (ticks), option (quotes and trades) or chain (snapshots).';
comment on column panel.feeds.source is 'recorded, modelled or simulated.';
comment on column panel.feeds.span_ms is 'Length of its aggregates, 0 for prints and quotes as they come.';
comment on column panel.feeds.stale_after_ms is 'A quote older than this bars entries.';
comment on column panel.feeds.description is 'In words.';
grant select on panel.feeds to grafana_reader, job_runner, backup;
