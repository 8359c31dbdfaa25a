create or replace function trade.load_tapes(
  p_run trade.runs, p_strategy ref.strategies, p_slots trade.slot_state[], p_faces trade.face[], p_from timestamp, p_to timestamp,
  p_as_of timestamp
) returns trade.quote_tape[]
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
declare
  v_is_paper boolean := p_run.broker = 'paper';
  v_from timestamp := case when v_is_paper then p_from else p_from::date end;
begin
  if p_strategy.structure = 'credit_vertical' then
    return array(
      select trade.spread_tape(x.id, p_run, p_strategy, min(x.ts), p_to, p_as_of)
      from (
        select s.instrument_id as id, p_from as ts from unnest(p_slots) s
        union all
        select f.instrument_id, f.ts from unnest(p_faces) f where f.window_ok
      ) x
      where x.id is not null
      group by x.id
    );
  end if;
  -- What is held or on order, and what a signal of this slice may trade.
  return array(
    select row(
      c.id, array_agg(q.ts_event), array_agg(q.seq), array_agg(q.bid_px_e4), array_agg(q.ask_px_e4), array_agg(q.bid_sz),
      array_agg(q.ask_sz)
    )::trade.quote_tape
    from (
      -- What is held or on order, and what a signal of this slice may trade, from then on.
      select x.id, min(x.ts) as ts
      from (
        select s.instrument_id as id, case when v_is_paper then p_from else coalesce(
          -- The quote in force: a fill may be learned of after the quote that is its stop.
          (
            select max(o.ts_event) from market.option_quotes o
            where o.instrument_id = s.instrument_id and o.feed_id = p_run.quote_feed_id
              and o.ts_event >= v_from and o.ts_event < p_from and o.ts_recv <= p_as_of
          ), p_from
        ) end as ts
        from unnest(p_slots) s
        union all
        select s.rev_instrument_id, p_from from unnest(p_slots) s
        union all
        select f.instrument_id, f.ts from unnest(p_faces) f where f.window_ok
      ) x
      where x.id is not null
      group by x.id
    ) c
    cross join lateral (
      select o.ts_event, o.seq, o.bid_px_e4, o.ask_px_e4, o.bid_sz, o.ask_sz
      from market.option_quotes o
      where o.instrument_id = c.id
        and o.feed_id = p_run.quote_feed_id
        and o.ts_event >= v_from
        and o.ts_event <= p_to
        and o.ts_event < p_from::date + interval '1 day'
        and o.ts_event >= c.ts
        and o.ts_recv <= p_as_of
      order by o.ts_event, o.seq
    ) q
    group by c.id
  );
end
$$;
comment on function trade.load_tapes(trade.runs, ref.strategies, trade.slot_state[], trade.face[], timestamp, timestamp, timestamp) is
  'The quotes in [p_from, p_to] (the last instant for as-of reading only) of every contract that the slice can touch, one tape each, '
  'from when it can; at a broker, where facts come between slices, from the quote that is in force at p_from.';
grant execute on function trade.load_tapes(trade.runs, ref.strategies, trade.slot_state[], trade.face[], timestamp, timestamp, timestamp)
  to job_runner;
