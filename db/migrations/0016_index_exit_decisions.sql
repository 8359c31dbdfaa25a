-- A year of exits by their reason, of one run among many: read in the order of this index, where the one by position is searched from end to end.
-- The verdict of an exit is always TRADE; named here too, it lets the planner see how few rows the index holds.
create index decisions_exit_run_idx on trade.decisions (run_id, ts) where kind = 'exit' and verdict = 'TRADE';
