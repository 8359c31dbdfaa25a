create or replace function trade.last_ask(
  p_run trade.runs, p_tape trade.quote_tape, p_instrument_id integer, p_ts timestamp, p_as_of timestamp,
  out ask_e4 integer, out ts timestamp
)
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
declare
  v_at integer := width_bucket(p_ts, p_tape.ts);
  v_bid_e4 integer;
begin
  if v_at > 0 then
    ts := p_tape.ts[v_at];
    ask_e4 := p_tape.ask_e4[v_at];
    v_bid_e4 := p_tape.bid_e4[v_at];
  else
    select q.ts_event, q.ask_px_e4, q.bid_px_e4 into ts, ask_e4, v_bid_e4
    from market.option_quotes q
    where q.instrument_id = p_instrument_id
      and q.feed_id = p_run.quote_feed_id
      and q.ts_event >= p_ts::date
      and q.ts_event <= p_ts
      and q.ts_recv <= p_as_of
    order by q.ts_event desc, q.seq desc
    limit 1;
  end if;
  if ask_e4 = 0 or v_bid_e4 > ask_e4 then
    ask_e4 := null;
  end if;
end
$$;
comment on function trade.last_ask(trade.runs, trade.quote_tape, integer, timestamp, timestamp) is
  'The last ask of a contract that day as of p_ts, from the slice''s tape or, before its first quote, from the table; null where that quote has none '
  'or is crossed.';
grant execute on function trade.last_ask(trade.runs, trade.quote_tape, integer, timestamp, timestamp) to job_runner;
