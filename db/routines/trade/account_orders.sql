create or replace function trade.account_orders(p_account text, p_as_of timestamp)
returns table (
  intent_id bigint, position_id bigint, purpose text, attempt smallint, state text, ts_state timestamp, is_over boolean, is_canceling boolean,
  venue_order_id text, symbol text, side text, effect text, qty integer, order_type text, limit_px_e4 integer, stop_px_e4 integer,
  ts timestamp, ts_submitted timestamp, filled_qty integer, open_qty integer, held_qty integer, depends_on_id bigint, run_id bigint, legs jsonb
)
language plpgsql stable
as $$
declare
  v_day timestamp := p_as_of::date;
begin
  perform engine.plan_by_key();
  return query
  with written as (
    select i.*
    from trade.runs r
    cross join lateral (
      select x.* from trade.order_intents x
      where x.run_id = r.run_id and x.ts >= v_day and x.ts < v_day + interval '1 day' offset 0
    ) i
    where r.account = p_account and r.mode = 'live' and r.broker <> 'paper' and r.ts_to > v_day and r.ts_from < v_day + interval '1 day'
    union all
    -- Orders are good for the day, but how they have ended may have to be found out on another.
    select i.*
    from trade.position_slots p
    join trade.order_intents i on i.position_id = p.position_id and i.ts < v_day
    join trade.runs r on r.run_id = i.run_id and r.mode = 'live' and r.broker <> 'paper'
    where p.account = p_account
  ), standing as materialized (
    select w.*, coalesce(e.state, 'created') as state, coalesce(e.ts, w.ts) as ts_state
    from written w
    left join lateral (
      select x.state, x.ts from trade.order_events x where x.intent_id = w.intent_id order by x.event_id desc limit 1
    ) e on true
    where e.state is null or not trade.is_over(e.state) or e.ts > p_as_of - interval '60 seconds'
  )
  select
    s.intent_id, s.position_id, s.purpose, s.attempt, s.state, s.ts_state, trade.is_over(s.state),
    exists (select from trade.cancel_requests c where c.intent_id = s.intent_id),
    v.venue_order_id, n.symbol, l.side, l.effect, coalesce(x.qty, s.qty), s.order_type, s.limit_px_e4, s.stop_px_e4, s.ts, x.ts,
    f.filled_qty, f.open_qty, f.held_qty, s.depends_on_id, s.run_id, f.legs
  from standing s
  join trade.order_intent_legs l on l.intent_id = s.intent_id and l.leg_no = 1
  join trade.decisions d on d.decision_id = s.position_id
  join ref.instruments n on n.instrument_id = d.instrument_id
  left join lateral (
    select e.ts, e.qty from trade.order_events e where e.intent_id = s.intent_id and e.state = 'submitted' order by e.event_id limit 1
  ) x on true
  left join lateral (
    select e.venue_order_id from trade.order_events e
    where e.intent_id = s.intent_id and e.venue_order_id is not null order by e.event_id desc limit 1
  ) v on true
  cross join lateral (
    select
      sum(y.filled_qty)::integer as filled_qty, min(y.open_qty)::integer as open_qty, max(y.open_qty)::integer as held_qty,
      jsonb_agg(jsonb_build_object('symbol', y.symbol, 'side', y.side, 'effect', y.effect, 'ratio', y.qty / s.qty) order by y.leg_no) as legs
    from (
      select
        g.leg_no, g.side, g.effect, g.qty, c.symbol,
        coalesce(sum(z.qty) filter (where z.intent_id = s.intent_id), 0) as filled_qty,
        coalesce(sum(case z.effect when 'open' then z.qty else -z.qty end), 0) as open_qty
      from trade.order_intent_legs g
      join ref.instruments c on c.instrument_id = g.instrument_id
      left join trade.fills z on z.position_id = s.position_id and z.instrument_id = g.instrument_id
      where g.intent_id = s.intent_id
      group by g.intent_id, g.leg_no, c.symbol
    ) y
  ) f;
end
$$;
comment on function trade.account_orders(text, timestamp) is
  'The orders of an account at its broker that have not ended, or did within 60 s: of the day of p_as_of, and earlier ones of positions that have a slot '
  'still. symbol, side and effect are of what is traded, contract or spread; legs are its contracts. qty is what was sent, or is to be; filled_qty counts the '
  'contracts of all legs. Of the position open_qty is what every leg has open, and can be closed as one; held_qty what any of them has.';
grant execute on function trade.account_orders(text, timestamp) to job_runner;
