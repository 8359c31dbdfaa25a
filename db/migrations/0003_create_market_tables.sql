-- Raw market data, append-only. Prices are integers: sums over them do not depend on the order of rows.
create table market.equity_ticks (
  instrument_id integer not null,
  feed_id smallint not null,
  ts_event timestamp not null,
  seq bigint not null,
  event_ns smallint not null,
  span_ms integer not null constraint equity_ticks_span_check check (span_ms >= 0),
  open_e4 integer not null,
  high_e4 integer not null,
  low_e4 integer not null constraint equity_ticks_price_check check (low_e4 > 0 and high_e4 >= low_e4),
  close_e4 integer not null,
  vwap_e6 bigint not null constraint equity_ticks_vwap_check check (vwap_e6 > 0),
  vwap_is_typical boolean not null,
  volume_e6 bigint not null constraint equity_ticks_volume_check check (volume_e6 >= 0),
  trade_count integer,
  ts_recv timestamp not null,
  constraint equity_ticks_pk primary key (instrument_id, feed_id, ts_event, seq)
);
comment on table market.equity_ticks is 'Prints of an equity or index, or aggregates over span_ms. Facts, append-only. Written by ingest_writer.';
comment on column market.equity_ticks.instrument_id is 'ref.instruments.';
comment on column market.equity_ticks.feed_id is 'ref.feeds: one run reads one feed.';
comment on column market.equity_ticks.ts_event is 'Vendor''s time, Eastern: the instant of a print, the START of an aggregate''s span.';
comment on column market.equity_ticks.seq is 'Vendor sequence, or ordinal among rows of the same instant; 0 for aggregates.';
comment on column market.equity_ticks.event_ns is 'Nanoseconds of the vendor''s time below the microsecond.';
comment on column market.equity_ticks.span_ms is '0 for a print, else the length of the aggregate; it is known at ts_event + span.';
comment on column market.equity_ticks.open_e4 is 'First price, 1/10,000 dollar.';
comment on column market.equity_ticks.high_e4 is 'Highest price, 1/10,000 dollar.';
comment on column market.equity_ticks.low_e4 is 'Lowest price, 1/10,000 dollar.';
comment on column market.equity_ticks.close_e4 is 'Last price, 1/10,000 dollar.';
comment on column market.equity_ticks.vwap_e6 is 'Volume-weighted average price, 1/1,000,000 dollar.';
comment on column market.equity_ticks.vwap_is_typical is 'True where the source has no vwap and (high + low + close) / 3 stands in.';
comment on column market.equity_ticks.volume_e6 is 'Volume, 1/1,000,000 share.';
comment on column market.equity_ticks.trade_count is 'Number of trades where the source has it.';
comment on column market.equity_ticks.ts_recv is 'When we received it, Eastern.';
select engine.create_hypertable('market.equity_ticks', 'ts_event', interval '7 days');
select engine.make_append_only('market.equity_ticks');

create table market.daily_bars (
  instrument_id integer not null constraint daily_bars_instrument_fk references ref.instruments (instrument_id),
  feed_id smallint not null constraint daily_bars_feed_fk references ref.feeds (feed_id),
  bar_date date not null,
  open_e4 integer not null,
  high_e4 integer not null,
  low_e4 integer not null constraint daily_bars_price_check check (low_e4 > 0 and high_e4 >= low_e4),
  close_e4 integer not null,
  volume_e6 bigint not null constraint daily_bars_volume_check check (volume_e6 >= 0),
  ts_recv timestamp not null,
  constraint daily_bars_pk primary key (instrument_id, feed_id, bar_date)
);
comment on table market.daily_bars is 'Daily bars of equities and indexes such as VIX. Facts, append-only. Written by ingest_writer.';
comment on column market.daily_bars.instrument_id is 'ref.instruments.';
comment on column market.daily_bars.feed_id is 'ref.feeds.';
comment on column market.daily_bars.bar_date is 'The day, Eastern; VIX prints on some days without a session.';
comment on column market.daily_bars.open_e4 is 'First price, 1/10,000 dollar (index points for an index).';
comment on column market.daily_bars.high_e4 is 'Highest price, 1/10,000 dollar.';
comment on column market.daily_bars.low_e4 is 'Lowest price, 1/10,000 dollar.';
comment on column market.daily_bars.close_e4 is 'Last price, 1/10,000 dollar; known only after the day''s close.';
comment on column market.daily_bars.volume_e6 is 'Volume, 1/1,000,000 share; 0 for an index.';
comment on column market.daily_bars.ts_recv is 'When we received it, Eastern.';
select engine.make_append_only('market.daily_bars');

create table market.option_quotes (
  instrument_id integer not null,
  feed_id smallint not null,
  ts_event timestamp not null,
  seq bigint not null,
  event_ns smallint not null,
  bid_px_e4 integer constraint option_quotes_bid_check check (bid_px_e4 >= 0),
  ask_px_e4 integer constraint option_quotes_ask_check check (ask_px_e4 >= 0),
  bid_sz integer,
  ask_sz integer,
  ts_recv timestamp not null,
  constraint option_quotes_pk primary key (instrument_id, feed_id, ts_event, seq)
);
comment on table market.option_quotes is 'Quotes of option contracts. Facts, append-only. Written by ingest_writer; modelled rows by market.model_option_quotes.';
comment on column market.option_quotes.instrument_id is 'ref.instruments.';
comment on column market.option_quotes.feed_id is 'ref.feeds, which says recorded, modelled or simulated.';
comment on column market.option_quotes.ts_event is 'Vendor''s time, Eastern: from then on the quote stands. A minute quote is timed by the minute''s end.';
comment on column market.option_quotes.seq is 'Vendor sequence, or ordinal among quotes of the same instant.';
comment on column market.option_quotes.event_ns is 'Nanoseconds of the vendor''s time below the microsecond.';
comment on column market.option_quotes.bid_px_e4 is 'Best bid, 1/10,000 dollar; null or 0 is no bid.';
comment on column market.option_quotes.ask_px_e4 is 'Best ask, 1/10,000 dollar; null or 0 is no ask.';
comment on column market.option_quotes.bid_sz is 'Contracts bid for.';
comment on column market.option_quotes.ask_sz is 'Contracts offered.';
comment on column market.option_quotes.ts_recv is 'When we received it, Eastern.';
select engine.create_hypertable('market.option_quotes', 'ts_event', interval '1 day');
select engine.make_append_only('market.option_quotes');

create table market.option_trades (
  instrument_id integer not null,
  feed_id smallint not null,
  ts_event timestamp not null,
  seq bigint not null,
  event_ns smallint not null,
  px_e4 integer not null constraint option_trades_price_check check (px_e4 >= 0),
  sz integer not null constraint option_trades_size_check check (sz >= 0),
  conditions text,
  ts_recv timestamp not null,
  constraint option_trades_pk primary key (instrument_id, feed_id, ts_event, seq)
);
comment on table market.option_trades is 'Prints of option contracts. Facts, append-only. Written by ingest_writer.';
comment on column market.option_trades.instrument_id is 'ref.instruments.';
comment on column market.option_trades.feed_id is 'ref.feeds.';
comment on column market.option_trades.ts_event is 'Vendor''s time, Eastern.';
comment on column market.option_trades.seq is 'Vendor sequence, or ordinal among prints of the same instant.';
comment on column market.option_trades.event_ns is 'Nanoseconds of the vendor''s time below the microsecond.';
comment on column market.option_trades.px_e4 is 'Price, 1/10,000 dollar.';
comment on column market.option_trades.sz is 'Contracts.';
comment on column market.option_trades.conditions is 'Vendor''s condition codes, as sent.';
comment on column market.option_trades.ts_recv is 'When we received it, Eastern.';
select engine.create_hypertable('market.option_trades', 'ts_event', interval '1 day');
select engine.make_append_only('market.option_trades');

create table market.chain_snapshots (
  snapshot_id bigint generated always as identity constraint chain_snapshots_pk primary key,
  underlying_id integer not null constraint chain_snapshots_underlying_fk references ref.instruments (instrument_id),
  feed_id smallint not null constraint chain_snapshots_feed_fk references ref.feeds (feed_id),
  ts_event timestamp not null,
  underlying_px_e4 integer,
  ts_recv timestamp not null,
  constraint chain_snapshots_key unique (underlying_id, feed_id, ts_event)
);
comment on table market.chain_snapshots is 'A whole option chain at one instant. Facts, append-only. Written by ingest_writer.';
comment on column market.chain_snapshots.snapshot_id is 'Key.';
comment on column market.chain_snapshots.underlying_id is 'ref.instruments.';
comment on column market.chain_snapshots.feed_id is 'ref.feeds.';
comment on column market.chain_snapshots.ts_event is 'Instant of the snapshot, Eastern.';
comment on column market.chain_snapshots.underlying_px_e4 is 'Price of the underlying as the source gives it, 1/10,000 dollar; may lag.';
comment on column market.chain_snapshots.ts_recv is 'When we received it, Eastern.';
create table market.option_snapshots (
  snapshot_id bigint not null constraint option_snapshots_snapshot_fk references market.chain_snapshots (snapshot_id),
  instrument_id integer not null constraint option_snapshots_instrument_fk references ref.instruments (instrument_id),
  bid_px_e4 integer,
  ask_px_e4 integer,
  last_px_e4 integer,
  volume bigint,
  open_interest bigint,
  implied_volatility double precision,
  constraint option_snapshots_pk primary key (snapshot_id, instrument_id)
);
comment on table market.option_snapshots is 'One contract of a chain snapshot. Facts, append-only. Written by ingest_writer.';
comment on column market.option_snapshots.snapshot_id is 'market.chain_snapshots.';
comment on column market.option_snapshots.instrument_id is 'ref.instruments.';
comment on column market.option_snapshots.bid_px_e4 is 'Bid, 1/10,000 dollar; null is no bid.';
comment on column market.option_snapshots.ask_px_e4 is 'Ask, 1/10,000 dollar; null is no ask.';
comment on column market.option_snapshots.last_px_e4 is 'Last trade, 1/10,000 dollar.';
comment on column market.option_snapshots.volume is 'Contracts traded that day.';
comment on column market.option_snapshots.open_interest is 'Contracts open the evening before.';
comment on column market.option_snapshots.implied_volatility is 'As the source gives it; 0.20 is 20 %.';
select engine.make_append_only('market.chain_snapshots');
select engine.make_append_only('market.option_snapshots');

create table market.context_snapshots (
  underlying_id integer not null constraint context_snapshots_underlying_fk references ref.instruments (instrument_id),
  feed_id smallint not null constraint context_snapshots_feed_fk references ref.feeds (feed_id),
  ts_event timestamp not null,
  name text not null,
  value double precision not null,
  ts_recv timestamp not null,
  constraint context_snapshots_pk primary key (underlying_id, feed_id, ts_event, name)
);
comment on table market.context_snapshots is 'Context of a chain at an instant: VIX, VIX9D, term structure, GEX. Facts, append-only. Written by ingest_writer.';
comment on column market.context_snapshots.underlying_id is 'ref.instruments.';
comment on column market.context_snapshots.feed_id is 'ref.feeds.';
comment on column market.context_snapshots.ts_event is 'Instant, Eastern.';
comment on column market.context_snapshots.name is 'What it is, e.g. vix.';
comment on column market.context_snapshots.value is 'In its own unit.';
comment on column market.context_snapshots.ts_recv is 'When we received it, Eastern.';
select engine.make_append_only('market.context_snapshots');

create table market.rejected_rows (
  rejected_id bigint generated always as identity constraint rejected_rows_pk primary key,
  ts_recv timestamp not null,
  feed text not null,
  source text not null,
  line bigint,
  raw text not null,
  reason text not null
);
comment on table market.rejected_rows is 'Dead letters: rows that were not taken and why. Written by ingest_writer.';
comment on column market.rejected_rows.rejected_id is 'Key.';
comment on column market.rejected_rows.ts_recv is 'When we received it, Eastern.';
comment on column market.rejected_rows.feed is 'Name of the feed.';
comment on column market.rejected_rows.source is 'File or stream.';
comment on column market.rejected_rows.line is 'Line of a file.';
comment on column market.rejected_rows.raw is 'The row''s text, cut to 500 characters.';
comment on column market.rejected_rows.reason is 'Why it was not taken.';
create unique index rejected_rows_once_idx on market.rejected_rows (feed, source, coalesce(line, -1), md5(raw));
select engine.make_append_only('market.rejected_rows');

grant select, insert on all tables in schema market to ingest_writer;
grant select on all tables in schema market to job_runner, backup;
grant insert on market.option_quotes to job_runner;
grant insert on ref.instruments to job_runner;

-- One SELECT text for both engines. Bars are keyed by their start here; views on top time them by their end.
select engine.create_rollup('market.bars_1m', $sql$
  select
    instrument_id,
    feed_id,
    time_bucket(interval '1 minute', ts_event) as ts_open,
    engine.first_px(open_e4, ts_event, seq) as open_e4,
    max(high_e4) as high_e4,
    min(low_e4) as low_e4,
    engine.last_px(close_e4, ts_event, seq) as close_e4,
    sum(volume_e6) as volume_e6,
    sum(vwap_e6 * volume_e6::numeric) as notional_e12,
    sum(trade_count) as trade_count,
    count(*) as tick_count,
    bool_or(vwap_is_typical) as vwap_is_typical
  from market.equity_ticks
  group by instrument_id, feed_id, time_bucket(interval '1 minute', ts_event)
$sql$);
select engine.create_rollup('market.bars_5m', $sql$
  select
    instrument_id,
    feed_id,
    time_bucket(interval '5 minutes', ts_event) as ts_open,
    engine.first_px(open_e4, ts_event, seq) as open_e4,
    max(high_e4) as high_e4,
    min(low_e4) as low_e4,
    engine.last_px(close_e4, ts_event, seq) as close_e4,
    sum(volume_e6) as volume_e6,
    sum(vwap_e6 * volume_e6::numeric) as notional_e12,
    sum(trade_count) as trade_count,
    count(*) as tick_count,
    bool_or(vwap_is_typical) as vwap_is_typical
  from market.equity_ticks
  group by instrument_id, feed_id, time_bucket(interval '5 minutes', ts_event)
$sql$);
do $$
declare
  v_rollup text;
begin
  foreach v_rollup in array array['market.bars_1m', 'market.bars_5m'] loop
    execute format('comment on view %s is %L', v_rollup,
      'OHLCV of market.equity_ticks by (instrument, feed, bucket), keyed by the bucket''s START; a continuous aggregate on TimescaleDB.');
    execute format('comment on column %s.notional_e12 is %L', v_rollup, 'Sum of vwap_e6 x volume_e6: divided by volume_e6 it is the VWAP.');
    execute format('grant select on %s to ingest_writer, job_runner, backup', v_rollup);
    perform engine.add_refresh_policy(v_rollup, interval '3 days', interval '1 minute', interval '1 minute');
  end loop;
end
$$;
select engine.add_columnstore('market.option_quotes', 'instrument_id,feed_id', 'ts_event,seq', interval '2 days');
