create or replace view panel.feed_states as
select s.ts, f.name as feed, s.stream, s.symbol, s.state, s.detail, s.feed_id, s.feed_state_id
from ops.feed_states s
join ref.feeds f on f.feed_id = s.feed_id;
comment on view panel.feed_states is 'States of the feeds'' connections, and of held contracts, as they changed.';
comment on column panel.feed_states.ts is 'Since when, Eastern.';
comment on column panel.feed_states.feed is 'Feed.';
comment on column panel.feed_states.stream is 'Name of the stream.';
comment on column panel.feed_states.symbol is 'Null: the whole stream. Else the held contract.';
comment on column panel.feed_states.state is 'connecting, authenticated, subscribed, live, mute, disconnected or failed.';
comment on column panel.feed_states.detail is 'More, in words.';
comment on column panel.feed_states.feed_id is 'panel.feeds.';
comment on column panel.feed_states.feed_state_id is 'Key; the order of states of one instant.';
grant select on panel.feed_states to grafana_reader, job_runner, backup;
