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
declare
  v_feed_id smallint := (select f.feed_id from panel.feeds f where f.feed = p_feed);
  -- Of a range, a page of the index is read to its end for one row: in the last second of a busy feed there are few, and most contracts have one there.
  v_near timestamp := coalesce(
    (select least(max(s.ts_high_water), p_to) - interval '1 second' from panel.streams s where s.feed_id = v_feed_id), p_to
  );
begin
  return query
  select c.strike, c.option_kind, c.contract, q.ts, q.bid, q.ask, q.bid_sz, q.ask_sz, c.instrument_id
  from panel.contracts c
  cross join lateral (
    (
      select x.ts, x.bid, x.ask, x.bid_sz, x.ask_sz
      from panel.option_quotes x
      where x.instrument_id = c.instrument_id and x.feed_id = v_feed_id and x.ts >= greatest(v_near, p_from) and x.ts <= p_to
      order by x.ts desc, x.seq desc
      limit 1
    )
    union all
    (
      select x.ts, x.bid, x.ask, x.bid_sz, x.ask_sz
      from panel.option_quotes x
      where x.instrument_id = c.instrument_id and x.feed_id = v_feed_id and x.ts >= p_from and x.ts < v_near
      order by x.ts desc, x.seq desc
      limit 1
    )
    limit 1
  ) q
  where c.underlying = p_underlying and c.expiration = p_expiration;
end
$$;
comment on function panel.last_quotes(text, text, date, timestamp, timestamp) is
  'The last quote in [p_from, p_to] (Eastern) of every contract of an underlying and expiration that has one on a feed, in dollars. Keep the range to a day or so.';
grant execute on function panel.last_quotes(text, text, date, timestamp, timestamp) to grafana_reader, job_runner, backup;
