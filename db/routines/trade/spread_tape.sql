create or replace function trade.spread_tape(
  p_spread_id integer, p_run trade.runs, p_strategy ref.strategies, p_from timestamp, p_to timestamp, p_as_of timestamp
) returns trade.quote_tape
language plpgsql stable
-- Planned with the range at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
as $$
declare
  v_stale interval := make_interval(secs => p_run.stale_after_ms / 1000.0);
  v_since timestamp := greatest(p_from - v_stale, p_from::date);
  v_tick_e4 integer := trade.price_step(p_strategy, 0);
  v_tape trade.quote_tape := row(p_spread_id, '{}', '{}', '{}', '{}', '{}', '{}');
  v_ts timestamp[];
  v_sell_e4 integer[];
  v_buy_e4 integer[];
  v_sz integer[];
  v_legs integer[];
  v_count integer;
  v_bid_e4 integer;
  v_ask_e4 integer;
  q record;
begin
  select s.legs into v_legs from ref.spreads s where s.instrument_id = p_spread_id;
  v_count := cardinality(v_legs);
  v_ts := array_fill(null::timestamp, array[v_count]);
  v_sell_e4 := array_fill(null::integer, array[v_count]);
  v_buy_e4 := v_sell_e4;
  v_sz := v_sell_e4;
  for q in
    select
      l.leg_no, o.ts_event, least(o.bid_sz, o.ask_sz) as sz,
      -- A leg that nobody bids for any more is worth something between nothing and its ask.
      market.fill_px(coalesce(o.bid_px_e4, 0), nullif(o.ask_px_e4, 0), 'sell', p_strategy.fill_ratio) as sell_e4,
      market.fill_px(coalesce(o.bid_px_e4, 0), nullif(o.ask_px_e4, 0), 'buy', p_strategy.fill_ratio) as buy_e4,
      coalesce(o.bid_px_e4, 0) > o.ask_px_e4 as is_crossed,
      lead(o.ts_event) over (order by o.ts_event, o.seq, l.leg_no) is distinct from o.ts_event as is_last
    from unnest(v_legs) with ordinality as l (leg, leg_no)
    join market.option_quotes o on o.instrument_id = abs(l.leg)
    where o.feed_id = p_run.quote_feed_id
      and o.ts_event > v_since
      and o.ts_event <= p_to
      and o.ts_event < p_from::date + interval '1 day'
      and o.ts_recv <= p_as_of
    order by o.ts_event, o.seq, l.leg_no
  loop
    v_ts[q.leg_no] := case when not q.is_crossed then q.ts_event end;
    v_sell_e4[q.leg_no] := q.sell_e4;
    v_buy_e4[q.leg_no] := q.buy_e4;
    v_sz[q.leg_no] := q.sz;
    -- All legs of an instant first; then the spread, if each of them has a quote that still stands.
    continue when not q.is_last or not (q.ts_event - v_stale < all (v_ts)) is true;
    v_bid_e4 := 0;
    v_ask_e4 := 0;
    for i in 1 .. v_count loop
      v_bid_e4 := v_bid_e4 + case when v_legs[i] < 0 then v_sell_e4[i] else -v_buy_e4[i] end;
      v_ask_e4 := v_ask_e4 + case when v_legs[i] < 0 then v_buy_e4[i] else -v_sell_e4[i] end;
    end loop;
    continue when v_bid_e4 is null;
    -- Before p_from only the quote in force there is of interest.
    if q.ts_event < p_from and cardinality(v_tape.ts) > 0 then
      v_tape := row(p_spread_id, '{}', '{}', '{}', '{}', '{}', '{}');
    end if;
    v_tape.ts := v_tape.ts || q.ts_event;
    v_tape.seq := v_tape.seq || 0::bigint;
    v_tape.bid_e4 := v_tape.bid_e4 || v_bid_e4;
    -- Nobody takes a spread off our hands for less than one increment.
    v_tape.ask_e4 := v_tape.ask_e4 || greatest(v_ask_e4, v_tick_e4);
    v_tape.bid_sz := v_tape.bid_sz || (select min(x) from unnest(v_sz) x);
    v_tape.ask_sz := v_tape.bid_sz;
  end loop;
  if p_run.broker = 'paper' and v_tape.ts[1] < p_from then
    v_tape.ts := v_tape.ts[2:];
    v_tape.seq := v_tape.seq[2:];
    v_tape.bid_e4 := v_tape.bid_e4[2:];
    v_tape.ask_e4 := v_tape.ask_e4[2:];
    v_tape.bid_sz := v_tape.bid_sz[2:];
    v_tape.ask_sz := v_tape.ask_sz[2:];
  end if;
  return v_tape;
end
$$;
comment on function trade.spread_tape(integer, trade.runs, ref.strategies, timestamp, timestamp, timestamp) is
  'The quotes of a spread in [p_from, p_to] out of those of its legs: what selling it brings as the bid and what buying it back costs as the ask, each leg at '
  'fill_ratio. There is one whenever a leg has a new quote and none of the others is older than the feed allows. At a broker the first is the one in force at p_from.';
grant execute on function trade.spread_tape(integer, trade.runs, ref.strategies, timestamp, timestamp, timestamp) to job_runner;
