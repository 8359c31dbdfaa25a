create or replace view panel.streams as
select
  f.name as feed,
  m.stream,
  f.kind,
  f.source,
  s.state,
  s.ts as ts_state,
  m.ts_high_water,
  m.ts_recv,
  greatest(extract(epoch from localtimestamp - m.ts_recv), 0)::double precision as age_s,
  m.rows_in,
  m.feed_id
from ops.stream_marks m
join ref.feeds f on f.feed_id = m.feed_id
left join lateral (
  select x.state, x.ts
  from ops.feed_states x
  where x.feed_id = m.feed_id and x.stream = m.stream and x.symbol is null
  order by x.ts desc, x.feed_state_id desc
  limit 1
) s on true;
comment on view panel.streams is 'Streams of market data: how far each has come, how old its last row is, what its connection is doing.';
comment on column panel.streams.feed is 'Feed.';
comment on column panel.streams.stream is 'Name of the stream, e.g. equities.';
comment on column panel.streams.kind is 'equity, option or chain.';
comment on column panel.streams.source is 'recorded, modelled or simulated.';
comment on column panel.streams.state is 'connecting, authenticated, subscribed, live, mute, disconnected or failed; null where none was noted.';
comment on column panel.streams.ts_state is 'Since when, Eastern.';
comment on column panel.streams.ts_high_water is 'Event time before which everything is stored, Eastern.';
comment on column panel.streams.ts_recv is 'When its last row was received, Eastern.';
comment on column panel.streams.age_s is 'Seconds since then, by the database''s clock.';
comment on column panel.streams.rows_in is 'Rows so far.';
comment on column panel.streams.feed_id is 'panel.feeds.';
grant select on panel.streams to grafana_reader, job_runner, backup;
