create or replace view panel.feed_gaps as
select
  g.ts_from,
  g.ts_to,
  f.name as feed,
  g.stream,
  g.cause,
  extract(epoch from coalesce(g.ts_to, localtimestamp) - g.ts_from)::double precision as length_s,
  g.ts_filled is not null as is_filled,
  g.rows_filled,
  g.attempts,
  g.detail,
  g.ts_opened,
  g.ts_filled,
  g.gap_id
from ops.feed_gaps g
join ref.feeds f on f.feed_id = g.feed_id;
comment on view panel.feed_gaps is 'Gaps of the feeds. Entries are barred while one of a live run''s feeds is not filled.';
comment on column panel.feed_gaps.ts_from is 'Start, Eastern.';
comment on column panel.feed_gaps.ts_to is 'End, Eastern; null while it lasts.';
comment on column panel.feed_gaps.feed is 'Feed.';
comment on column panel.feed_gaps.stream is 'Name of the stream.';
comment on column panel.feed_gaps.cause is 'start, restart, disconnect, mute, spool_overflow or unreadable.';
comment on column panel.feed_gaps.length_s is 'Its length in seconds, so far while it lasts.';
comment on column panel.feed_gaps.is_filled is 'True once a back-fill has closed it.';
comment on column panel.feed_gaps.rows_filled is 'Rows that the back-fill brought.';
comment on column panel.feed_gaps.attempts is 'How often the back-fill was tried.';
comment on column panel.feed_gaps.detail is 'More, in words.';
comment on column panel.feed_gaps.ts_opened is 'When it became known, Eastern.';
comment on column panel.feed_gaps.ts_filled is 'When it was filled, Eastern.';
comment on column panel.feed_gaps.gap_id is 'Key.';
grant select on panel.feed_gaps to grafana_reader, job_runner, backup;
