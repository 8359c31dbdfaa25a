-- What a feed is worth: gaps with all that is known of them, states of single contracts, rates, completeness.
alter table ops.feed_gaps
  add column ts_opened timestamp,
  add column attempts integer not null default 0,
  add column detail text;
update ops.feed_gaps set ts_opened = coalesce(ts_to, ts_from);
alter table ops.feed_gaps
  alter column ts_opened set not null,
  add constraint feed_gaps_range_check check (ts_to >= ts_from),
  add constraint feed_gaps_filled_check check (ts_filled is null or ts_to is not null);
comment on table ops.feed_gaps is
  'Gaps of the feeds: cause, range, and what a back-fill brought. Entries are barred while one of a live run''s feeds is not filled. Written by ingest; '
  'an operator who accepts a gap that the vendor cannot fill sets ts_filled (and ts_to) by hand.';
comment on column ops.feed_gaps.ts_opened is 'When it became known, Eastern: before that nobody could be barred by it.';
comment on column ops.feed_gaps.attempts is 'How often the back-fill was tried.';
comment on column ops.feed_gaps.detail is 'More, in words: what was lost, or why the last back-fill failed.';
comment on column ops.feed_gaps.cause is
  'start, restart, disconnect, mute, spool_overflow (the database was away for too long), or unreadable (a frame that was no JSON or too long).';
-- A gap that lasts is opened once, however often a lost connection repeats the statement.
create unique index feed_gaps_lasting_idx on ops.feed_gaps (feed_id, stream, cause) where ts_to is null;
create index feed_gaps_unfilled_idx on ops.feed_gaps (feed_id, ts_from) where ts_filled is null;
create index feed_gaps_opened_idx on ops.feed_gaps (feed_id, ts_opened);

alter table ops.feed_states add column symbol text;
comment on table ops.feed_states is 'States of the feeds'' connections, and of single contracts that are held, as they changed. Written by ingest.';
comment on column ops.feed_states.symbol is 'Null: the whole stream. Else the held contract (OSI symbol) whose quotes stopped (mute) or came back (live).';
comment on column ops.feed_states.state is
  'connecting, authenticated, subscribed, live, mute (connected, and the events'' own time stands still although the market is open), disconnected or failed.';
create index feed_states_time_idx on ops.feed_states (feed_id, ts);

create table ops.feed_rates (
  feed_id smallint not null constraint feed_rates_feed_fk references ref.feeds (feed_id),
  stream text not null,
  ts timestamp not null,
  frames bigint not null,
  events bigint not null,
  bytes bigint not null,
  symbols integer not null,
  burst_100ms integer not null,
  lag_p50_ms integer,
  lag_p99_ms integer,
  lag_max_ms integer,
  spooled_bytes bigint not null,
  constraint feed_rates_pk primary key (feed_id, stream, ts)
);
comment on table ops.feed_rates is 'What each stream brought, minute by minute, measured as it was received. Written by ingest.';
comment on column ops.feed_rates.feed_id is 'ref.feeds.';
comment on column ops.feed_rates.stream is 'Name of the stream.';
comment on column ops.feed_rates.ts is 'Start of the minute of receipt, Eastern.';
comment on column ops.feed_rates.frames is 'Frames.';
comment on column ops.feed_rates.events is 'Rows in them: quotes, prints, aggregates, rejected ones; divided by 60, messages a second.';
comment on column ops.feed_rates.bytes is 'Bytes of the frames.';
comment on column ops.feed_rates.symbols is 'Different symbols among them.';
comment on column ops.feed_rates.burst_100ms is 'Most rows received in 100 ms.';
comment on column ops.feed_rates.lag_p50_ms is 'Median of receipt minus the event''s time (an aggregate''s end), in milliseconds; below 0 counts as 0. Null without rows.';
comment on column ops.feed_rates.lag_p99_ms is 'Its 99th percentile.';
comment on column ops.feed_rates.lag_max_ms is 'Its maximum.';
comment on column ops.feed_rates.spooled_bytes is 'Bytes waiting on disk at the minute''s end.';

create table ops.feed_completeness (
  feed_id smallint not null constraint feed_completeness_feed_fk references ref.feeds (feed_id),
  instrument_id integer not null constraint feed_completeness_instrument_fk references ref.instruments (instrument_id),
  ts timestamp not null,
  session_date date not null,
  rows_ours bigint not null,
  rows_vendor bigint not null,
  volume_ours_e6 bigint not null,
  volume_vendor_e6 bigint not null,
  ts_checked timestamp not null,
  constraint feed_completeness_pk primary key (feed_id, instrument_id, ts)
);
comment on table ops.feed_completeness is
  'Our rows of a session against the vendor''s aggregates by REST, for each symbol and minute that was streamed. Written by ingest after the close.';
comment on column ops.feed_completeness.feed_id is 'ref.feeds.';
comment on column ops.feed_completeness.instrument_id is 'ref.instruments.';
comment on column ops.feed_completeness.ts is 'Start of the minute, Eastern.';
comment on column ops.feed_completeness.session_date is 'ref.sessions.';
comment on column ops.feed_completeness.rows_ours is 'Rows that we have: seconds with trades, or prints.';
comment on column ops.feed_completeness.rows_vendor is 'The same by the vendor''s aggregates: their number, or the trades in them.';
comment on column ops.feed_completeness.volume_ours_e6 is 'Volume of our rows, 1/1,000,000 share or contract.';
comment on column ops.feed_completeness.volume_vendor_e6 is 'Volume of the vendor''s aggregates, 1/1,000,000 share or contract.';
comment on column ops.feed_completeness.ts_checked is 'When, Eastern.';
create index feed_completeness_session_idx on ops.feed_completeness (session_date, feed_id);

grant select, insert, update on ops.feed_rates, ops.feed_completeness to ingest_writer;
grant select on ops.feed_rates, ops.feed_completeness to job_runner, backup;
