-- Whether ticks came late was asked of all ticks of the session at the end of every period: 4 ms of a slice at the close with second aggregates, 130 ms
-- with a million prints. Their number is kept, of every five minutes, by whoever stores them.
lock table market.equity_ticks in share row exclusive mode;
create table market.tick_counts (
  instrument_id integer not null,
  feed_id smallint not null,
  ts timestamp not null,
  ticks bigint not null constraint tick_counts_ticks_check check (ticks > 0),
  constraint tick_counts_pk primary key (instrument_id, feed_id, ts)
);
comment on table market.tick_counts is
  'How many rows of market.equity_ticks there are of five minutes of event time. Derived, so not append-only: it only ever grows. Written by ingest at the end '
  'of the transaction of the rows: no trigger does it, since behind one that sees the new rows TimescaleDB forgets what a COPY changed under its '
  'continuous aggregates.';
comment on column market.tick_counts.instrument_id is 'ref.instruments.';
comment on column market.tick_counts.feed_id is 'ref.feeds.';
comment on column market.tick_counts.ts is 'Start of the five minutes, Eastern.';
comment on column market.tick_counts.ticks is 'Rows of the five minutes, received at any time.';
-- Read by key alone, and written with every tick: new statistics would only make slices plan anew.
alter table market.tick_counts set (autovacuum_analyze_threshold = 2147483647);
grant select, insert, update on market.tick_counts to ingest_writer;
grant select on market.tick_counts to job_runner, backup;

insert into market.tick_counts (instrument_id, feed_id, ts, ticks)
select t.instrument_id, t.feed_id, date_bin('5 minutes', t.ts_event, '2000-01-01'), count(*) from market.equity_ticks t group by 1, 2, 3;
