create or replace function trade.quote_tapes(
  p_ids integer[], p_since timestamp[], p_feed_id smallint, p_from timestamp, p_to timestamp, p_as_of timestamp
) returns trade.quote_tape[]
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
begin
  return array(
    select t.tape
    from unnest(p_ids, p_since) as c (id, ts)
    cross join lateral (
      select row(
        c.id, array_agg(q.ts_event), array_agg(q.seq), array_agg(q.bid_px_e4), array_agg(q.ask_px_e4), array_agg(q.bid_sz),
        array_agg(q.ask_sz)
      )::trade.quote_tape as tape, count(*) as quotes
      from (
        select o.ts_event, o.seq, o.bid_px_e4, o.ask_px_e4, o.bid_sz, o.ask_sz
        from market.option_quotes o
        where o.instrument_id = c.id
          and o.feed_id = p_feed_id
          and o.ts_event >= p_from
          and o.ts_event <= p_to
          and o.ts_event < p_from::date + interval '1 day'
          and o.ts_event >= c.ts
          and o.ts_recv <= p_as_of
        order by o.ts_event, o.seq
      ) q
    ) t
    where t.quotes > 0
  );
end
$$;
comment on function trade.quote_tapes(integer[], timestamp[], smallint, timestamp, timestamp, timestamp) is
  'The quotes of contracts in [p_from, p_to] of the day of p_from, one tape each, of every contract from its instant of p_since on; none of one without quotes.';
grant execute on function trade.quote_tapes(integer[], timestamp[], smallint, timestamp, timestamp, timestamp) to job_runner;
