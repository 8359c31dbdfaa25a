create or replace function signal.vertical_candidates(p_ts timestamp, p_context signal.context)
returns setof signal.vertical
language plpgsql stable
-- Planned with the instant at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
-- Compiling it takes ten times as long as running it.
set jit = off
as $$
declare
  s ref.strategies := jsonb_populate_record(null::ref.strategies, p_context.params);
  v_feed ref.feeds;
  v_since timestamp;
  v_spot double precision;
  v_expirations date[];
  v_is_named boolean;
begin
  select f.* into v_feed from ref.feeds f where f.feed_id = p_context.quote_feed_id;
  v_since := greatest(p_ts - make_interval(secs => v_feed.stale_after_ms / 1000.0), p_ts::date);
  -- Without it no expiry, and so no forward and no volatility.
  v_is_named := exists (select from ref.option_roots r where r.root = s.option_root);
  v_spot := signal.last_close(p_context.instrument_id, p_context.feed_id, p_ts, p_context.as_of) / 10000.0;
  -- The exact expiration where contracts of it are quoted, else the nearest, of two the earlier. Found first: the chain is read by them.
  v_expirations := array(
    select (
      select p_ts::date + d
      from generate_series(greatest(t.dte - s.dte_tolerance, 0), t.dte + s.dte_tolerance) d
      where exists (
        select from ref.instruments i
        cross join lateral (
          select 1 from market.option_quotes o
          where o.instrument_id = i.instrument_id and o.feed_id = p_context.quote_feed_id
            and o.ts_event > v_since and o.ts_event <= p_ts and o.ts_recv <= p_context.as_of
          limit 1
        ) q
        where i.kind = 'option' and i.underlying_id = p_context.instrument_id and i.root = s.option_root and i.expiration = p_ts::date + d
        -- Asked for one expiration at a time. Joined, every contract that ever was would be looked up, where the table was filled a moment ago and
        -- counts as empty still.
        offset 0
      )
      order by abs(d - t.dte), d
      limit 1
    )
    from unnest(s.dte_targets) with ordinality as t (dte, n)
    order by t.n
  );
  return query
  with targets as materialized (
    select * from unnest(s.dte_targets, v_expirations) as t (dte, expiration)
  ), chain as materialized (
    select
      i.instrument_id, i.expiration, i.option_kind, i.strike_e4, i.strike_e4 / 10000.0::double precision as strike, q.bid_px_e4, q.ask_px_e4,
      case when q.bid_px_e4 > 0 and q.ask_px_e4 >= q.bid_px_e4 then (q.bid_px_e4 + q.ask_px_e4) / 20000.0::double precision end as mid
    from (select distinct x.expiration from unnest(v_expirations) x (expiration)) e
    cross join lateral (
      select n.* from ref.instruments n
      where n.kind = 'option' and n.underlying_id = p_context.instrument_id and n.root = s.option_root and n.expiration = e.expiration
      offset 0
    ) i
    cross join lateral (
      select o.bid_px_e4, o.ask_px_e4 from market.option_quotes o
      where o.instrument_id = i.instrument_id and o.feed_id = p_context.quote_feed_id
        and o.ts_event > v_since and o.ts_event <= p_ts and o.ts_recv <= p_context.as_of
      order by o.ts_event desc, o.seq desc
      limit 1
    ) q
  ), forwards as materialized (
    -- By put-call parity where both are quoted nearest to each other: no rate, no dividend and no late index value is needed.
    select e.expiration, coalesce(p.forward, o.forward, v_spot) as forward, signal.years_to_expiry(s.option_root, e.expiration, p_ts) as t_years
    from (select distinct t.expiration from targets t where t.expiration is not null) e
    left join lateral (
      select c.strike + c.mid - x.mid as forward
      from chain c
      join chain x on x.expiration = c.expiration and x.strike_e4 = c.strike_e4 and x.option_kind = 'put' and x.mid is not null
      where c.expiration = e.expiration and c.option_kind = 'call' and c.mid is not null
      order by abs(c.mid - x.mid), c.strike_e4
      limit 1
    ) p on true
    -- A chain of out-of-the-money contracts has no strike with both kinds. Between its innermost two the error is below half their distance; the
    -- spot would leave out the carry.
    left join lateral (
      select (c.strike + x.strike) / 2 + c.mid - x.mid as forward
      from (
        select y.strike, y.mid from chain y
        where y.expiration = e.expiration and y.option_kind = 'call' and y.mid is not null
        order by y.strike_e4
        limit 1
      ) c
      cross join (
        select y.strike, y.mid from chain y
        where y.expiration = e.expiration and y.option_kind = 'put' and y.mid is not null
        order by y.strike_e4 desc
        limit 1
      ) x
      where p.forward is null and c.strike > x.strike and c.strike - x.strike <= c.strike / 200
    ) o on true
  ), around as materialized (
    -- A standard deviation by the contract at the money: further out than four of them nobody looks.
    select f.*, f.forward * a.iv * sqrt(f.t_years) as deviation
    from forwards f
    cross join lateral (
      select signal.implied_volatility(c.option_kind, c.mid, f.forward, c.strike, f.t_years, 0, 0) as iv
      from chain c
      where c.expiration = f.expiration and c.mid is not null and (c.option_kind = 'call') = (c.strike >= f.forward)
      order by abs(c.strike - f.forward), c.strike_e4
      limit 1
    ) a
    where f.forward > 0 and f.t_years > 0
  ), solved as materialized (
    select
      c.*, v.iv,
      abs((signal.bs_greeks(c.option_kind, a.forward, c.strike, a.t_years, 0, 0, v.iv)).delta) as delta
    from around a
    join chain c on c.expiration = a.expiration and c.mid is not null and (c.option_kind = 'call') = (c.strike >= a.forward)
      and abs(c.strike - a.forward) <= 4 * a.deviation
    cross join lateral (select signal.implied_volatility(c.option_kind, c.mid, a.forward, c.strike, a.t_years, 0, 0) as iv offset 0) v
    where v.iv is not null
  ), legs as materialized (
    select
      t.dte as dte_target, d.delta as delta_target, k.kind as option_kind, t.expiration, a.forward, a.t_years,
      sold.instrument_id as short_id, sold.strike_e4 as short_strike_e4, sold.delta as short_delta, sold.iv as short_iv,
      sold.bid_px_e4 as short_bid_e4, sold.ask_px_e4 as short_ask_e4,
      bought.instrument_id as long_id, bought.strike_e4 as long_strike_e4, bought.delta as long_delta,
      bought.bid_px_e4 as long_bid_e4, bought.ask_px_e4 as long_ask_e4
    from targets t
    cross join unnest(s.delta_targets) d (delta)
    cross join unnest(array['put', 'call']) k (kind)
    left join around a on a.expiration = t.expiration
    left join lateral (
      select v.* from solved v
      where v.expiration = t.expiration and v.option_kind = k.kind
      -- Of two equally near the one further out.
      order by abs(v.delta - d.delta::double precision), v.delta
      limit 1
    ) sold on true
    left join lateral (
      select c.instrument_id, c.strike_e4, v.delta, c.bid_px_e4, c.ask_px_e4
      from chain c
      left join solved v on v.instrument_id = c.instrument_id
      where c.expiration = t.expiration and c.option_kind = k.kind
        and case k.kind when 'put' then c.strike_e4 < sold.strike_e4 else c.strike_e4 > sold.strike_e4 end
        and (
          abs(c.strike_e4 - sold.strike_e4) = s.spread_width * 10000
          or (s.spread_width is null and v.delta is not null)
        )
      order by abs(v.delta - (sold.delta - s.long_delta_distance)), c.strike_e4
      limit 1
    ) bought on true
  ), priced as materialized (
    select
      l.*, l.short_bid_e4 - l.long_ask_e4 as bid_e4, l.short_ask_e4 - l.long_bid_e4 as ask_e4,
      market.fill_px(l.short_bid_e4, l.short_ask_e4, 'sell', s.fill_ratio)
        - market.fill_px(l.long_bid_e4, l.long_ask_e4, 'buy', s.fill_ratio) as credit_e4,
      abs(l.short_strike_e4 - l.long_strike_e4) as width_e4
    from legs l
  ), judged as (
    select
      p.*,
      case
        when not v_is_named then 'unknown_root'
        when p.expiration is null then 'no_expiration'
        when p.forward is null then 'no_underlying'
        when abs(p.short_delta - p.delta_target::double precision) <= s.delta_tolerance::double precision is not true then 'no_delta'
        when p.long_id is null then 'no_long_leg'
        when coalesce(p.long_bid_e4, 0) = 0 or coalesce(p.long_ask_e4, 0) = 0 then 'one_sided_quote'
        when p.long_bid_e4 > p.long_ask_e4 then 'crossed_quote'
        when v_feed.source = 'marks' and not s.trade_marks then 'no_bid_ask_recorded'
        when greatest(p.short_ask_e4 - p.short_bid_e4, p.long_ask_e4 - p.long_bid_e4) > s.max_leg_spread * 10000 then 'wide_leg'
        when p.credit_e4 <= 0 or p.credit_e4 < s.min_credit * 10000 then 'small_credit'
        when p.ask_e4 - p.bid_e4 > s.max_spread_cost * (p.bid_e4 + p.ask_e4) / 2 then 'wide_spread'
      end as reject
    from priced p
  )
  select
    j.dte_target, j.delta_target, j.option_kind, j.expiration, j.expiration - p_ts::date, j.short_id, j.long_id, j.short_strike_e4,
    j.long_strike_e4, j.short_delta, j.long_delta, j.short_iv, j.forward, j.t_years, j.bid_e4, j.ask_e4, j.credit_e4, j.width_e4,
    m.reward, m.distance, m.cost, x.score, j.reject
  from judged j
  cross join lateral (
    select
      j.credit_e4 / nullif(j.width_e4, 0)::double precision as reward,
      abs(j.short_strike_e4 / 10000.0 - j.forward) / nullif(j.forward * j.short_iv * sqrt(j.t_years), 0) as distance,
      (j.ask_e4 - j.bid_e4) / nullif((j.bid_e4 + j.ask_e4) / 2.0, 0)::double precision as cost
    offset 0
  ) m
  cross join lateral (
    select s.score_weights[1] * m.reward + s.score_weights[2] * m.distance - s.score_weights[3] * m.cost as score offset 0
  ) x
  -- The best first; of those that are rejected the one that came furthest.
  order by
    array_position(
      array[
        'wide_spread', 'small_credit', 'wide_leg', 'no_bid_ask_recorded', 'crossed_quote', 'one_sided_quote', 'no_long_leg', 'no_delta',
        'no_underlying', 'no_expiration', 'unknown_root'
      ], j.reject
    ) nulls first,
    x.score desc nulls last, j.dte_target, j.delta_target, j.option_kind desc;
end
$$;
comment on function signal.vertical_candidates(timestamp, signal.context) is
  'Credit verticals that a strategy may sell at p_ts, one for each of its dte_targets x delta_targets x put and call, the best first: short leg nearest to the '
  'delta (Black-76 on the forward by put-call parity, our own implied volatility), long leg spread_width further out or by long_delta_distance; quotes as of '
  'p_ts, no older than their feed allows. Where no strike has both kinds the forward lies between the innermost call and put, where these are further apart '
  'than 0.5 % it is the last price of the underlying. score = w1 x credit / width + w2 x distance of the short strike in standard deviations - w3 x (ask - bid) / '
  'middle of the spread, by score_weights; credit after fill_ratio. reject says why one cannot be sold: unknown_root (ref.option_roots does not name option_root), no_expiration, no_underlying, no_delta, no_long_leg, '
  'one_sided_quote, crossed_quote, no_bid_ask_recorded (marks), wide_leg, small_credit, wide_spread. One that is not rejected may be sold.';
grant execute on function signal.vertical_candidates(timestamp, signal.context) to job_runner, backup;
