-- What the rules write: normalised periods and signals, per run, append-only.
create type signal.context as (
  run_id bigint,
  instrument_id integer,
  feed_id smallint,
  as_of timestamp,
  period_ms integer,
  ma_minutes integer
);
comment on type signal.context is
  'What a rule may look at: one instrument''s rows of one feed, received by as_of. With a run_id, the periods that the run has stored '
  'are read instead of being built again; the rows are the same.';
comment on column signal.context.run_id is 'trade.runs, or null to build everything from market rows.';
comment on column signal.context.instrument_id is 'ref.instruments.';
comment on column signal.context.feed_id is 'ref.feeds of the ticks.';
comment on column signal.context.as_of is 'Rows received later do not exist.';
comment on column signal.context.period_ms is 'Length of a period.';
comment on column signal.context.ma_minutes is 'Closes in the moving average.';

create type signal.period_values as (
  ts timestamp,
  session_date date,
  open_e4 integer,
  high_e4 integer,
  low_e4 integer,
  close_e4 integer,
  volume_e6 bigint,
  notional_e12 numeric,
  tick_count integer,
  vwap_is_typical boolean,
  vwap_e6 bigint,
  session_vwap_e6 bigint,
  ma_sum_e4 bigint,
  ma_e6 bigint
);
comment on type signal.period_values is 'A normalised period as the builder returns it; columns as in signal.periods.';

create type signal.signal_values as (
  ts timestamp,
  session_date date,
  direction smallint,
  vwap_e6 bigint,
  ma_e6 bigint,
  session_vwap_e6 bigint,
  close_e4 integer
);
comment on type signal.signal_values is 'What every rule returns, one row per signal; columns as in signal.signals.';

create table signal.periods (
  run_id bigint not null,
  instrument_id integer not null,
  ts timestamp not null,
  revision smallint not null constraint periods_revision_check check (revision >= 0),
  session_date date not null,
  open_e4 integer,
  high_e4 integer,
  low_e4 integer,
  close_e4 integer,
  volume_e6 bigint not null,
  notional_e12 numeric not null,
  tick_count integer not null,
  vwap_is_typical boolean not null,
  vwap_e6 bigint,
  session_vwap_e6 bigint,
  ma_sum_e4 bigint,
  ma_e6 bigint,
  strike_e4 integer,
  call_id integer,
  call_bid_e4 integer,
  call_ask_e4 integer,
  call_ts timestamp,
  put_id integer,
  put_bid_e4 integer,
  put_ask_e4 integer,
  put_ts timestamp,
  constraint periods_pk primary key (run_id, instrument_id, ts, revision)
);
comment on table signal.periods is
  'Normalised periods (table 4 of the specification): every session minute of a run, empty ones too. Late rows append revisions, which never signal. '
  'Facts, append-only. Written by trade.advance.';
comment on column signal.periods.run_id is 'trade.runs.';
comment on column signal.periods.instrument_id is 'ref.instruments: the underlying.';
comment on column signal.periods.ts is 'End of the period, Eastern.';
comment on column signal.periods.revision is '0 is what the rules saw; later ones are corrections.';
comment on column signal.periods.session_date is 'ref.sessions.';
comment on column signal.periods.open_e4 is 'First price of the period, 1/10,000 dollar; null when it is empty.';
comment on column signal.periods.high_e4 is 'Highest price, 1/10,000 dollar; null when it is empty.';
comment on column signal.periods.low_e4 is 'Lowest price, 1/10,000 dollar; null when it is empty.';
comment on column signal.periods.close_e4 is 'Last price at the period''s end, carried forward over empty periods, 1/10,000 dollar.';
comment on column signal.periods.volume_e6 is 'Volume of the period, 1/1,000,000 share; 0 when it is empty.';
comment on column signal.periods.notional_e12 is 'Sum of vwap_e6 x volume_e6 over the period''s rows.';
comment on column signal.periods.tick_count is 'Rows under the period.';
comment on column signal.periods.vwap_is_typical is 'True where a row without a vwap is under it.';
comment on column signal.periods.vwap_e6 is 'VWAP of the trailing minute, 1/1,000,000 dollar; null when it is empty.';
comment on column signal.periods.session_vwap_e6 is 'VWAP since the open, 1/1,000,000 dollar.';
comment on column signal.periods.ma_sum_e4 is 'Sum of the closes in the moving average: comparisons are made on it, exactly.';
comment on column signal.periods.ma_e6 is 'Moving average (MA9) of one-minute closes, 1/1,000,000 dollar; null before there are enough.';
comment on column signal.periods.strike_e4 is 'Listed strike of the nearest expiry that is nearest to the VWAP, the lower of two equally near.';
comment on column signal.periods.call_id is 'The call nearest to the VWAP; a tie goes out of the money, to the higher strike.';
comment on column signal.periods.call_bid_e4 is 'Its bid as of ts.';
comment on column signal.periods.call_ask_e4 is 'Its ask as of ts.';
comment on column signal.periods.call_ts is 'Time of that quote; ts - call_ts is its age.';
comment on column signal.periods.put_id is 'The put nearest to the VWAP; a tie goes out of the money, to the lower strike.';
comment on column signal.periods.put_bid_e4 is 'Its bid as of ts.';
comment on column signal.periods.put_ask_e4 is 'Its ask as of ts.';
comment on column signal.periods.put_ts is 'Time of that quote; ts - put_ts is its age.';

create table signal.signals (
  run_id bigint not null,
  instrument_id integer not null,
  ts timestamp not null,
  session_date date not null,
  direction smallint not null constraint signals_direction_check check (direction in (-1, 1)),
  vwap_e6 bigint,
  ma_e6 bigint,
  session_vwap_e6 bigint,
  close_e4 integer,
  constraint signals_pk primary key (run_id, instrument_id, ts)
);
comment on table signal.signals is
  'Signals (table 6 of the specification): numbers at an instant, never an instruction. Facts, append-only. Written by trade.advance.';
comment on column signal.signals.run_id is 'trade.runs.';
comment on column signal.signals.instrument_id is 'ref.instruments: the underlying.';
comment on column signal.signals.ts is 'End of the period at which it stands, Eastern.';
comment on column signal.signals.session_date is 'ref.sessions.';
comment on column signal.signals.direction is '1 up, -1 down.';
comment on column signal.signals.vwap_e6 is 'VWAP of the trailing minute, 1/1,000,000 dollar.';
comment on column signal.signals.ma_e6 is 'Moving average, 1/1,000,000 dollar.';
comment on column signal.signals.session_vwap_e6 is 'VWAP since the open, 1/1,000,000 dollar.';
comment on column signal.signals.close_e4 is 'Close of the period, 1/10,000 dollar.';
select engine.make_append_only('signal.periods');
select engine.make_append_only('signal.signals');
grant select, insert on all tables in schema signal to job_runner;
grant select on all tables in schema signal to backup;
