create or replace function trade.split_fill(
  p_fill trade.fills, p_run trade.runs, p_strategy ref.strategies, p_day trade.session_state, p_as_of timestamp
) returns trade.fills[]
language plpgsql volatile
-- Planned with the day at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
as $$
declare
  v_fills trade.fills[] := '{}';
  v_first trade.fills := p_fill;
  f trade.fills;
  l record;
begin
  for l in
    select x.* from ref.legs_of(p_fill.instrument_id) x order by x.leg_no desc
  loop
    f := p_fill;
    f.leg_no := l.leg_no;
    f.instrument_id := l.instrument_id;
    f.side := case when (l.side = -1) = (p_fill.side = 'sell') then 'sell' else 'buy' end;
    f.execution_id := p_fill.execution_id || '-' || l.leg_no;
    if l.leg_no = 1 then
      -- The first leg has the rest, so that the legs add up to the price of the whole.
      f.px_e4 := v_first.px_e4;
      f.fill_id := p_fill.fill_id;
    else
      f.fill_id := nextval('trade.fills_fill_id_seq');
      if p_fill.quote_ts is null then
        f.px_e4 := trade.intrinsic_value(p_run, l.instrument_id, p_fill.ts);
      else
        select market.fill_px(coalesce(o.bid_px_e4, 0), o.ask_px_e4, f.side, p_strategy.fill_ratio) into strict f.px_e4
        from market.option_quotes o
        where o.instrument_id = l.instrument_id and o.feed_id = p_run.quote_feed_id
          and o.ts_event >= date_trunc('day', p_fill.quote_ts) and o.ts_event <= p_fill.quote_ts and o.ts_recv <= p_as_of
        order by o.ts_event desc, o.seq desc
        limit 1;
      end if;
      v_first.px_e4 := v_first.px_e4 + l.side * f.px_e4;
    end if;
    if p_fill.quote_ts is not null then
      f.commission := round(f.qty * p_day.commission_per_contract, 4);
      f.fees := round(f.qty * (p_day.fees_per_contract + case f.side when 'sell' then p_day.sell_fees_per_contract else 0 end), 4);
    end if;
    v_fills := f || v_fills;
  end loop;
  return v_fills;
end
$$;
comment on function trade.split_fill(trade.fills, trade.runs, ref.strategies, trade.session_state, timestamp) is
  'The fill of a spread as fills of its legs: each of the others at its own quote (at its own value where it is settled), the first at what is left of the '
  'price; commission and fees by leg.';
grant execute on function trade.split_fill(trade.fills, trade.runs, ref.strategies, trade.session_state, timestamp) to job_runner;
