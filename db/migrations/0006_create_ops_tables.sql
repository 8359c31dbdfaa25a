-- Operation of the platform itself.
create table ops.imports (
  import_id bigint generated always as identity constraint imports_pk primary key,
  ts timestamp not null,
  file text not null,
  sha256 text not null,
  feed_id smallint not null constraint imports_feed_fk references ref.feeds (feed_id),
  rows_in bigint not null,
  rows_duplicate bigint not null,
  rows_rejected bigint not null,
  ts_first timestamp,
  ts_last timestamp
);
comment on table ops.imports is 'Files that were imported, committed together with their rows. Written by strikebase import.';
comment on column ops.imports.import_id is 'Key.';
comment on column ops.imports.ts is 'When, Eastern.';
comment on column ops.imports.file is 'Name of the file.';
comment on column ops.imports.sha256 is 'Checksum of the file.';
comment on column ops.imports.feed_id is 'Feed that it went to.';
comment on column ops.imports.rows_in is 'New rows.';
comment on column ops.imports.rows_duplicate is 'Rows that were there already.';
comment on column ops.imports.rows_rejected is 'Rows in market.rejected_rows.';
comment on column ops.imports.ts_first is 'First event, Eastern.';
comment on column ops.imports.ts_last is 'Last event, Eastern.';

create table ops.stream_marks (
  feed_id smallint not null constraint stream_marks_feed_fk references ref.feeds (feed_id),
  stream text not null,
  ts_high_water timestamp not null,
  ts_recv timestamp not null,
  rows_in bigint not null,
  constraint stream_marks_pk primary key (feed_id, stream)
);
comment on table ops.stream_marks is
  'High-water marks: all rows of the stream before ts_high_water are committed, in the same transaction as the last of them. Written by ingest.';
comment on column ops.stream_marks.feed_id is 'ref.feeds.';
comment on column ops.stream_marks.stream is 'Name of the stream, e.g. equities.';
comment on column ops.stream_marks.ts_high_water is 'Event time, exclusive, Eastern.';
comment on column ops.stream_marks.ts_recv is 'When the last row was received, Eastern.';
comment on column ops.stream_marks.rows_in is 'Rows so far.';

create table ops.heartbeats (
  process text constraint heartbeats_pk primary key,
  pid integer not null,
  ts timestamp not null,
  state text not null,
  detail text
);
comment on table ops.heartbeats is 'Last sign of life of every process. Written by that process.';
comment on column ops.heartbeats.process is 'Name, e.g. ingest-equities.';
comment on column ops.heartbeats.pid is 'Process id.';
comment on column ops.heartbeats.ts is 'When, Eastern.';
comment on column ops.heartbeats.state is 'What it is doing.';
comment on column ops.heartbeats.detail is 'More, in words.';

create table ops.feed_states (
  feed_state_id bigint generated always as identity constraint feed_states_pk primary key,
  feed_id smallint not null constraint feed_states_feed_fk references ref.feeds (feed_id),
  stream text not null,
  ts timestamp not null,
  state text not null,
  detail text
);
comment on table ops.feed_states is 'States of the feeds'' connections as they changed. Written by ingest.';
comment on column ops.feed_states.feed_state_id is 'Key.';
comment on column ops.feed_states.feed_id is 'ref.feeds.';
comment on column ops.feed_states.stream is 'Name of the stream.';
comment on column ops.feed_states.ts is 'Since when, Eastern.';
comment on column ops.feed_states.state is 'connecting, authenticated, subscribed, live, mute, disconnected or failed.';
comment on column ops.feed_states.detail is 'More, in words.';

create table ops.feed_gaps (
  gap_id bigint generated always as identity constraint feed_gaps_pk primary key,
  feed_id smallint not null constraint feed_gaps_feed_fk references ref.feeds (feed_id),
  stream text not null,
  ts_from timestamp not null,
  ts_to timestamp,
  cause text not null,
  rows_filled bigint,
  ts_filled timestamp
);
comment on table ops.feed_gaps is 'Gaps of the feeds: cause, range, and what a back-fill brought. Written by ingest.';
comment on column ops.feed_gaps.gap_id is 'Key.';
comment on column ops.feed_gaps.feed_id is 'ref.feeds.';
comment on column ops.feed_gaps.stream is 'Name of the stream.';
comment on column ops.feed_gaps.ts_from is 'Start, Eastern.';
comment on column ops.feed_gaps.ts_to is 'End, Eastern; null while it lasts.';
comment on column ops.feed_gaps.cause is 'Why.';
comment on column ops.feed_gaps.rows_filled is 'Rows that the back-fill brought.';
comment on column ops.feed_gaps.ts_filled is 'When it was filled, Eastern.';

create table ops.readiness_checks (
  check_id bigint generated always as identity constraint readiness_checks_pk primary key,
  ts timestamp not null,
  name text not null,
  ok boolean not null,
  detail text not null
);
comment on table ops.readiness_checks is 'Checks before the open; any that is not ok bars entries. Written by strikebase ready and the supervisor.';
comment on column ops.readiness_checks.check_id is 'Key.';
comment on column ops.readiness_checks.ts is 'When, Eastern.';
comment on column ops.readiness_checks.name is 'What was checked.';
comment on column ops.readiness_checks.ok is 'Verdict.';
comment on column ops.readiness_checks.detail is 'What was found and what to do.';

create table ops.parity_reports (
  parity_id bigint generated always as identity constraint parity_reports_pk primary key,
  ts timestamp not null,
  run_a bigint not null,
  run_b bigint not null,
  compared bigint not null,
  differences bigint not null,
  first_difference text
);
comment on table ops.parity_reports is 'Comparisons of two runs, row by row. Written by strikebase parity.';
comment on column ops.parity_reports.parity_id is 'Key.';
comment on column ops.parity_reports.ts is 'When, Eastern.';
comment on column ops.parity_reports.run_a is 'trade.runs; no key, for a dropped run leaves its reports.';
comment on column ops.parity_reports.run_b is 'trade.runs.';
comment on column ops.parity_reports.compared is 'Rows compared.';
comment on column ops.parity_reports.differences is 'Rows that differ or stand on one side only.';
comment on column ops.parity_reports.first_difference is 'The first of them, in words.';

create table ops.latency_samples (
  sample_id bigint generated always as identity constraint latency_samples_pk primary key,
  ts timestamp not null,
  stage text not null,
  micros bigint not null
);
comment on table ops.latency_samples is 'Measured latencies by stage. Written by all processes.';
comment on column ops.latency_samples.sample_id is 'Key.';
comment on column ops.latency_samples.ts is 'When, Eastern.';
comment on column ops.latency_samples.stage is 'What was measured, e.g. advance.';
comment on column ops.latency_samples.micros is 'Microseconds.';

create table ops.alert_outbox (
  alert_id bigint generated always as identity constraint alert_outbox_pk primary key,
  ts timestamp not null,
  key text not null constraint alert_outbox_key unique,
  severity text not null constraint alert_outbox_severity_check check (severity in ('info', 'warning', 'critical')),
  text text not null,
  ts_sent timestamp
);
comment on table ops.alert_outbox is 'Messages to people, at least once and deduplicated by key. Written by all processes, sent by one.';
comment on column ops.alert_outbox.alert_id is 'Key.';
comment on column ops.alert_outbox.ts is 'When it was written, Eastern.';
comment on column ops.alert_outbox.key is 'The same event has the same key.';
comment on column ops.alert_outbox.severity is 'info, warning or critical.';
comment on column ops.alert_outbox.text is 'The message.';
comment on column ops.alert_outbox.ts_sent is 'When it was sent, Eastern.';

grant select, insert on all tables in schema ops to ingest_writer, job_runner;
grant update on ops.stream_marks, ops.heartbeats, ops.feed_gaps, ops.alert_outbox to ingest_writer, job_runner;
grant select on all tables in schema ops to backup;
