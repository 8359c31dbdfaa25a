create or replace function panel.position_mark(
  p_instrument_id integer, p_feed_id smallint, p_fill_ratio numeric, p_from timestamp, p_before timestamp
) returns table (ts timestamp, bid numeric, ask numeric, mid numeric)
language plpgsql stable
as $$
begin
  return query
  with quoted as (
    select
      l.side, l.is_spread, l.least_px, q.ts, q.bid, q.ask,
      -- A leg that nobody bids for any more is worth something between nothing and its ask.
      round((coalesce(q.bid, 0) + q.ask) / 2 - p_fill_ratio * (q.ask - coalesce(q.bid, 0)), 4) as sell,
      round((coalesce(q.bid, 0) + q.ask) / 2 + p_fill_ratio * (q.ask - coalesce(q.bid, 0)), 4) as buy
    from panel.legs l
    left join lateral panel.last_quote(l.contract_id, p_feed_id, p_from, p_before) q on true
    where l.instrument_id = p_instrument_id
  ), whole as (
    select
      min(x.ts) as ts,
      case when bool_or(x.is_spread) then sum(case x.side when -1 then x.sell else -x.buy end) else min(x.bid) end as bid,
      case when bool_or(x.is_spread) then greatest(sum(case x.side when -1 then x.buy else -x.sell end), max(x.least_px)) else min(x.ask) end as ask
    from quoted x
    -- Without a quote of every leg there is none of the whole.
    having count(*) > 0 and bool_and(x.ts is not null and (not x.is_spread or x.ask > 0))
  )
  select w.ts, w.bid::numeric, w.ask::numeric, ((w.bid + w.ask) / 2)::numeric from whole w;
end
$$;
comment on function panel.position_mark(integer, smallint, numeric, timestamp, timestamp) is
  'The last quote of a contract or a spread on a feed in [p_from, p_before) (Eastern), dollars a share: of a spread out of the last quote of each leg, priced as '
  'in panel.position_quotes, with the time of the oldest. No row where a leg has none.';
grant execute on function panel.position_mark(integer, smallint, numeric, timestamp, timestamp) to grafana_reader, job_runner, backup;
