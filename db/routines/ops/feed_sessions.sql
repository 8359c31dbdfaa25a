create or replace view ops.feed_sessions as
select
  f.name as feed,
  c.session_date,
  count(*) as minutes,
  count(*) filter (where c.rows_ours < c.rows_vendor or c.volume_ours_e6 < c.volume_vendor_e6) as minutes_short,
  sum(c.rows_ours)::bigint as rows_ours,
  sum(c.rows_vendor)::bigint as rows_vendor,
  round(100 * sum(c.volume_ours_e6) / nullif(sum(c.volume_vendor_e6), 0), 3) as volume_percent,
  max(c.ts_checked) as ts_checked
from ops.feed_completeness c
join ref.feeds f on f.feed_id = c.feed_id
group by f.name, c.session_date;
comment on view ops.feed_sessions is 'How complete each feed''s sessions are, as checked against the vendor''s aggregates after the close.';
comment on column ops.feed_sessions.feed is 'Name of the feed.';
comment on column ops.feed_sessions.session_date is 'The exchange day.';
comment on column ops.feed_sessions.minutes is 'Minutes that were checked, over all symbols.';
comment on column ops.feed_sessions.minutes_short is 'Of these, minutes in which we have fewer rows or less volume than the vendor.';
comment on column ops.feed_sessions.rows_ours is 'Rows that we have.';
comment on column ops.feed_sessions.rows_vendor is 'Rows by the vendor''s aggregates.';
comment on column ops.feed_sessions.volume_percent is 'Our volume as a percentage of the vendor''s.';
comment on column ops.feed_sessions.ts_checked is 'When it was last checked, Eastern.';
grant select on ops.feed_sessions to ingest_writer, job_runner, backup;
