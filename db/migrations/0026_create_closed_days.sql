-- The P/L of a year is asked for on every page: folding its trips anew took a tenth of a second a year. A day's fold is kept once the day is over; whether
-- it still stands is seen by the number of trips under it, so nobody has to keep it in step.
create table trade.closed_days (
  run_id bigint not null constraint closed_days_run_fk references trade.runs (run_id),
  session_date date not null,
  trip_rows integer not null constraint closed_days_rows_check check (trip_rows > 0),
  trades integer not null,
  wins integer not null,
  gross_e4 bigint not null,
  net_e4 bigint not null,
  contracts integer not null,
  max_drawdown_e4 bigint not null,
  in_market_us bigint not null,
  max_bound_e4 bigint,
  constraint closed_days_pk primary key (run_id, session_date, trip_rows)
);
comment on table trade.closed_days is
  'What a session''s round trips made, folded when it was over (trade.folded_days). Stands as long as trade.closed_trips has as many rows of the session; '
  'panel.daily_pl folds those sessions anew that none stands for. Facts, append-only. Written by trade.store_days.';
comment on column trade.closed_days.run_id is 'trade.runs.';
comment on column trade.closed_days.session_date is 'Session of the entries.';
comment on column trade.closed_days.trip_rows is 'Rows of trade.closed_trips that it was folded from, revisions too.';
comment on column trade.closed_days.trades is 'Round trips.';
comment on column trade.closed_days.wins is 'Round trips with a net above 0.';
comment on column trade.closed_days.gross_e4 is 'Sales minus purchases, 1/10,000 dollar.';
comment on column trade.closed_days.net_e4 is 'Gross minus commission and fees, 1/10,000 dollar.';
comment on column trade.closed_days.contracts is 'Contracts, or spreads, of the round trips, one way.';
comment on column trade.closed_days.max_drawdown_e4 is 'Largest fall of the running net from its high (at least 0), at closed round trips, 1/10,000 dollar.';
comment on column trade.closed_days.in_market_us is 'Microseconds with any position open; overlapping positions count once.';
comment on column trade.closed_days.max_bound_e4 is 'Most capital bound at once, 1/10,000 dollar.';
select engine.make_append_only('trade.closed_days'::regclass);
grant select, insert on trade.closed_days to job_runner;
grant select on trade.closed_days to backup;

-- Whether a session stood on typical prices was asked of each of its periods.
create index periods_typical_idx on signal.periods (run_id, ts) where vwap_is_typical and revision = 0;
