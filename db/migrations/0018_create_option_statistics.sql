-- What is listed on a day, and the day's open interest: of vendors that send them apart from quotes (Databento).
create table market.option_listings (
  instrument_id integer not null,
  feed_id smallint not null constraint option_listings_feed_fk references ref.feeds (feed_id),
  session_date date not null,
  ts_event timestamp not null,
  ts_recv timestamp not null,
  constraint option_listings_pk primary key (instrument_id, feed_id, session_date)
);
comment on table market.option_listings is 'Contracts that a vendor''s definitions list on a day. Facts, append-only. Written by ingest_writer.';
comment on column market.option_listings.instrument_id is 'ref.instruments.';
comment on column market.option_listings.feed_id is 'ref.feeds.';
comment on column market.option_listings.session_date is 'The day, Eastern.';
comment on column market.option_listings.ts_event is 'When the definition was sent, Eastern: in the morning, before the open.';
comment on column market.option_listings.ts_recv is 'When we received it, Eastern.';
create index option_listings_day_idx on market.option_listings (session_date, feed_id);
select engine.make_append_only('market.option_listings'::regclass);

create table market.option_statistics (
  instrument_id integer not null,
  feed_id smallint not null constraint option_statistics_feed_fk references ref.feeds (feed_id),
  session_date date not null,
  name text not null constraint option_statistics_name_check check (name in ('open_interest', 'cleared_volume')),
  value bigint not null constraint option_statistics_value_check check (value >= 0),
  ts_event timestamp not null,
  ts_recv timestamp not null,
  constraint option_statistics_pk primary key (instrument_id, feed_id, session_date, name)
);
comment on table market.option_statistics is
  'Figures of a contract that a vendor publishes once a day, per venue with the same value: the greatest is taken. Facts, append-only. Written by ingest_writer.';
comment on column market.option_statistics.instrument_id is 'ref.instruments.';
comment on column market.option_statistics.feed_id is 'ref.feeds.';
comment on column market.option_statistics.session_date is 'The day on which it was published, Eastern; open interest is that of the clearing of the evening before.';
comment on column market.option_statistics.name is 'open_interest or cleared_volume.';
comment on column market.option_statistics.value is 'Contracts.';
comment on column market.option_statistics.ts_event is 'When it was published first, Eastern.';
comment on column market.option_statistics.ts_recv is 'When we received it, Eastern.';
create index option_statistics_day_idx on market.option_statistics (session_date, feed_id);
select engine.make_append_only('market.option_statistics'::regclass);

grant select, insert on market.option_listings, market.option_statistics to ingest_writer;
grant select on market.option_listings, market.option_statistics to job_runner, backup;
