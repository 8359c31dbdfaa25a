-- Planned when it is called, with its range at hand: a chart opens the chunks of its range and no others.
create or replace function panel.position_quotes(
  p_instrument_id integer, p_feed_id smallint, p_fill_ratio numeric, p_from timestamp, p_to timestamp, p_every interval default null
) returns table (ts timestamp, bid numeric, ask numeric, mid numeric)
language plpgsql stable
set plan_cache_mode = force_custom_plan
as $$
declare
  v_legs integer := (select count(*) from panel.legs l where l.instrument_id = p_instrument_id and l.is_spread);
  v_stale interval := (select make_interval(secs => f.stale_after_ms / 1000.0) from panel.feeds f where f.feed_id = p_feed_id)
    + coalesce(p_every, interval '0');
begin
  if v_legs = 0 then
    return query
    select x.ts, x.bid, x.ask, ((x.bid + x.ask) / 2)::numeric
    from (
      select distinct on (b.at, case when p_every is null then q.seq end) q.ts, q.bid::numeric as bid, q.ask::numeric as ask, q.seq
      from panel.option_quotes q
      cross join lateral (select case when p_every is null then q.ts else date_bin(p_every, q.ts, timestamp '2000-01-01') end as at) b
      where q.instrument_id = p_instrument_id and q.feed_id = p_feed_id and q.ts >= p_from and q.ts <= p_to
      order by b.at, case when p_every is null then q.seq end, q.ts desc, q.seq desc
    ) x
    order by x.ts, x.seq;
    return;
  end if;
  return query
  with legs as materialized (
    select l.leg_no, l.contract_id, l.side, l.least_px from panel.legs l where l.instrument_id = p_instrument_id
  ), quotes as materialized (
    select distinct on (l.leg_no, b.at) l.leg_no, b.at, q.ts, coalesce(q.bid, 0) as bid, nullif(q.ask, 0) as ask
    from legs l
    join panel.option_quotes q on q.instrument_id = l.contract_id
    cross join lateral (select case when p_every is null then q.ts else date_bin(p_every, q.ts, timestamp '2000-01-01') end as at) b
    where q.feed_id = p_feed_id and q.ts > greatest(p_from - v_stale, date_trunc('day', p_from)) and q.ts <= p_to
    order by l.leg_no, b.at, q.ts desc, q.seq desc
  ), instants as (
    select q.at, max(q.ts) as ts from quotes q group by q.at
  ), grid as (
    select
      i.at, i.ts, l.leg_no, l.side, l.least_px, q.ts as ts_leg, q.bid, q.ask, count(q.ts) over (partition by l.leg_no order by i.at) as nth
    from instants i
    cross join legs l
    left join quotes q on q.leg_no = l.leg_no and q.at = i.at
  ), standing as (
    -- The last quote of each leg at every instant.
    select
      g.ts, g.side, g.least_px, first_value(g.ts_leg) over of_quote as ts_leg, first_value(g.bid) over of_quote as bid,
      first_value(g.ask) over of_quote as ask
    from grid g
    window of_quote as (partition by g.leg_no, g.nth order by g.at)
  ), priced as (
    select
      s.ts, s.side, s.least_px, round((s.bid + s.ask) / 2 - p_fill_ratio * (s.ask - s.bid), 4) as sell,
      round((s.bid + s.ask) / 2 + p_fill_ratio * (s.ask - s.bid), 4) as buy
    from standing s
    where s.ts_leg > s.ts - v_stale and s.bid <= s.ask
  ), whole as (
    select
      p.ts, sum(case p.side when -1 then p.sell else -p.buy end) as bid,
      greatest(sum(case p.side when -1 then p.buy else -p.sell end), max(p.least_px)) as ask
    from priced p
    group by p.ts
    having count(*) = v_legs
  )
  select w.ts, w.bid, w.ask, (w.bid + w.ask) / 2
  from whole w
  where w.ts >= p_from
  order by w.ts;
end
$$;
comment on function panel.position_quotes(integer, smallint, numeric, timestamp, timestamp, interval) is
  'The quotes of a contract or a spread on a feed in [p_from, p_to] (Eastern), dollars a share; with p_every the last of each such interval. Of a spread, as paper '
  'orders fill: bid is what selling it brings, ask what buying it back costs, each leg at p_fill_ratio of its width away from its middle, where every leg '
  'has a quote that the feed still lets stand. Take the arguments from panel.positions. Keep the range to some days.';
grant execute on function panel.position_quotes(integer, smallint, numeric, timestamp, timestamp, interval) to grafana_reader, job_runner, backup;
