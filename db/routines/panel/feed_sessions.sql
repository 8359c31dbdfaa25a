create or replace view panel.feed_sessions as
select
  s.session_date, s.feed, s.minutes, s.minutes_short, s.rows_ours, s.rows_vendor, s.volume_percent, s.ts_checked
from ops.feed_sessions s;
comment on view panel.feed_sessions is 'How complete each feed''s sessions are, as checked against the vendor''s aggregates after the close.';
comment on column panel.feed_sessions.session_date is 'The exchange day.';
comment on column panel.feed_sessions.feed is 'Feed.';
comment on column panel.feed_sessions.minutes is 'Minutes that were checked, over all symbols.';
comment on column panel.feed_sessions.minutes_short is 'Of these, minutes in which we have fewer rows or less volume than the vendor.';
comment on column panel.feed_sessions.rows_ours is 'Rows that we have.';
comment on column panel.feed_sessions.rows_vendor is 'Rows by the vendor''s aggregates.';
comment on column panel.feed_sessions.volume_percent is 'Our volume as a percentage of the vendor''s.';
comment on column panel.feed_sessions.ts_checked is 'When it was last checked, Eastern.';
grant select on panel.feed_sessions to grafana_reader, job_runner, backup;
