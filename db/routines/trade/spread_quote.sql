create or replace function trade.spread_quote(
  p_spread_id integer, p_run trade.runs, p_strategy ref.strategies, p_ts timestamp, p_as_of timestamp,
  out bid_e4 integer, out ask_e4 integer, out ts timestamp
)
language plpgsql stable
as $$
declare
  v_stale interval := make_interval(secs => p_run.stale_after_ms / 1000.0);
  v_tape trade.quote_tape := trade.spread_tape(
    p_spread_id, p_run, p_strategy, greatest(p_ts - v_stale, p_ts::date), p_ts, p_as_of
  );
  v_last integer := cardinality(v_tape.ts);
begin
  bid_e4 := v_tape.bid_e4[v_last];
  ask_e4 := v_tape.ask_e4[v_last];
  ts := v_tape.ts[v_last];
end
$$;
comment on function trade.spread_quote(integer, trade.runs, ref.strategies, timestamp, timestamp) is
  'The last quote of a spread (trade.spread_tape) as of p_ts, no older than the feed allows; nulls where there is none.';
grant execute on function trade.spread_quote(integer, trade.runs, ref.strategies, timestamp, timestamp) to job_runner;
