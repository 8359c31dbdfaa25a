-- Reads views of this schema alone: a function runs with its reader's rights.
create or replace function panel.last_quotes(
  p_underlying text, p_feed text, p_expiration date, p_from timestamp, p_to timestamp
) returns table (
  strike numeric, option_kind text, contract text, ts timestamp, bid numeric, ask numeric, bid_sz integer, ask_sz integer,
  instrument_id integer
)
language plpgsql stable
-- As panel.last_quote: prepared, a plan for any range opens every chunk there is.
set plan_cache_mode = force_custom_plan
as $$
begin
  return query
  select c.strike, c.option_kind, c.contract, q.ts, q.bid, q.ask, q.bid_sz, q.ask_sz, c.instrument_id
  from panel.contracts c
  join panel.feeds f on f.feed = p_feed
  cross join lateral (
    select x.ts, x.bid, x.ask, x.bid_sz, x.ask_sz
    from panel.option_quotes x
    where x.instrument_id = c.instrument_id and x.feed_id = f.feed_id and x.ts >= p_from and x.ts <= p_to
    order by x.ts desc, x.seq desc
    limit 1
  ) q
  where c.underlying = p_underlying and c.expiration = p_expiration;
end
$$;
comment on function panel.last_quotes(text, text, date, timestamp, timestamp) is
  'The last quote in [p_from, p_to] (Eastern) of every contract of an underlying and expiration that has one on a feed, in dollars. Keep the range to a day or so.';
grant execute on function panel.last_quotes(text, text, date, timestamp, timestamp) to grafana_reader, job_runner, backup;
