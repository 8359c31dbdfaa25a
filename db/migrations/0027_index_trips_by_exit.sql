-- What the account has realised today is asked with every slice.
create index closed_trips_exit_idx on trade.closed_trips (run_id, ts_exit);
