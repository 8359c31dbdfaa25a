create or replace function trade.load_position(
  p_run trade.runs, p_strategy ref.strategies, p_from timestamp, p_slot smallint, p_position_id bigint
) returns trade.slot_state
language plpgsql stable
as $$
declare
  s trade.slot_state;
  v_entry record;
  v_legs record;
  v_exit trade.decisions;
  v_order record;
  v_reversal record;
  v_is_over boolean;
begin
  s.slot := p_slot;
  s.position_id := p_position_id;
  select d.ts, d.run_id, d.direction, i.instrument_id, i.multiplier, trade.risk_px(i.instrument_id) as risk_e4, o.qty, o.limit_px_e4
  into strict v_entry
  from trade.decisions d
  join ref.instruments i on i.instrument_id = d.instrument_id
  join trade.order_intents o on o.decision_id = d.decision_id and o.attempt = 1
  where d.decision_id = p_position_id;
  s.ts_entry := v_entry.ts;
  s.direction := v_entry.direction;
  s.instrument_id := v_entry.instrument_id;
  s.multiplier := v_entry.multiplier;
  s.capital := v_entry.risk_e4::numeric * v_entry.multiplier * v_entry.qty / 10000;
  select
    coalesce(sum(x.sold_e4), 0) as notional_e4, coalesce(-sum(x.closed_e4), 0) as closed_notional_e4, coalesce(sum(x.cost), 0) as cost,
    max(x.opened_qty) as qty, min(x.opened_qty) as whole_qty, max(x.opened_qty - x.closed_qty) as most_open, min(x.opened_qty - x.closed_qty) as least_open,
    count(*) as legs
  into strict v_legs
  from (
    select
      coalesce(sum(f.qty) filter (where f.effect = 'open'), 0) as opened_qty, coalesce(sum(f.qty) filter (where f.effect = 'close'), 0) as closed_qty,
      sum(f.qty * f.px_e4::bigint * case f.side when 'sell' then 1 else -1 end) filter (where f.effect = 'open') as sold_e4,
      sum(f.qty * f.px_e4::bigint * case f.side when 'sell' then 1 else -1 end) filter (where f.effect = 'close') as closed_e4,
      sum(f.commission + f.fees) as cost
    from ref.legs_of(s.instrument_id) l
    left join trade.fills f on f.position_id = p_position_id and f.instrument_id = l.instrument_id
    group by l.leg_no
  ) x;
  -- Fills of a broker come leg by leg: it is held as long as any leg is open, and flat when none is.
  s.qty := v_legs.qty;
  s.closed_qty := v_legs.qty - case when v_legs.most_open > 0 then v_legs.most_open else v_legs.least_open end;
  -- Until all legs of the entry are known its limit is what it has brought at least.
  s.notional_e4 := case v_legs.qty when v_legs.whole_qty then v_legs.notional_e4 else v_legs.qty * v_entry.limit_px_e4::bigint end;
  s.closed_notional_e4 := v_legs.closed_notional_e4;
  s.cost := v_legs.cost;
  s.short_legs := 1;
  s.long_legs := v_legs.legs - 1;
  select coalesce(f.quote_ts, f.ts), coalesce(f.quote_seq, 0) into s.fill_ts, s.fill_seq
  from trade.fills f where f.position_id = p_position_id order by f.fill_id desc limit 1;
  select * into v_exit from trade.decisions d where d.position_id = p_position_id and d.kind = 'exit';
  -- The working order: the last attempt of the exit, or else the entry, and since when it works.
  select o.intent_id, o.attempt, o.limit_px_e4, o.ts, l.side, e.state,
    coalesce(
      (select min(x.ts) from trade.order_events x where x.intent_id = o.intent_id and x.state = 'submitted'),
      -- A reversal begins when the position before it is flat.
      (select max(f.ts) from trade.decisions d join trade.fills f on f.position_id = d.position_id where d.decision_id = o.depends_on_id),
      o.ts
    ) as ts_begun,
    exists (select from trade.cancel_requests c where c.intent_id = o.intent_id) as is_canceling
  into strict v_order
  from trade.order_intents o
  join trade.order_intent_legs l on l.intent_id = o.intent_id and l.leg_no = 1
  left join lateral (
    select x.state from trade.order_events x where x.intent_id = o.intent_id order by x.event_id desc limit 1
  ) e on true
  where o.decision_id = coalesce(v_exit.decision_id, p_position_id) and o.purpose <> 'protect'
  order by o.attempt desc limit 1;
  s.decision_id := coalesce(v_exit.decision_id, p_position_id);
  s.intent_id := v_order.intent_id;
  s.attempt := v_order.attempt;
  s.side := v_order.side;
  s.limit_px_e4 := v_order.limit_px_e4;
  s.ts_active := v_order.ts_begun + make_interval(secs => p_strategy.latency_ms / 1000.0);
  v_is_over := trade.is_over(v_order.state);
  if v_exit.decision_id is null and (s.qty > s.closed_qty or not v_is_over) then
    s.phase := case when v_is_over then 'open' else 'entering' end;
    s.rest_qty := v_entry.qty - s.qty;
    s.ts_until := case when v_order.is_canceling then 'infinity'
      else v_order.ts_begun + make_interval(secs => p_strategy.entry_valid_ms / 1000.0) end;
    -- A fill may be learned of after the signal has turned.
    s.is_reversed := p_run.broker <> 'paper' and p_strategy.exit_on_reverse and exists (
      select from signal.signals g
      where g.run_id in (p_run.run_id, v_entry.run_id) and g.instrument_id = p_run.instrument_id and g.ts > s.ts_entry and g.ts <= p_from
        and g.direction <> s.direction
    );
    return s;
  end if;
  s.phase := 'exiting';
  s.rest_qty := s.qty - s.closed_qty;
  s.ts_exit := v_exit.ts;
  s.first_limit_px_e4 := trade.limit_px(p_strategy, 'buy', v_exit.trigger_px_e4);
  if s.rest_qty <= 0 then
    -- Flat, but something of it may still fill: only its broker can say that it does not.
    s.ts_until := 'infinity';
    if s.rest_qty = 0 and not exists (
      select from trade.order_intents o
      cross join lateral (
        select x.state from trade.order_events x where x.intent_id = o.intent_id order by x.event_id desc limit 1
      ) e
      where o.position_id = p_position_id and not trade.is_over(e.state)
    ) then
      s.phase := 'ended';
    end if;
  elsif v_is_over then
    -- It has ended and left something open: the next attempt, at once if more was held than it was for, and ever later if it keeps failing.
    -- Not as late as an exit is re-priced that works: nothing may stand behind this position any more.
    s.intent_id := null;
    s.ts_until := v_order.ts + case when v_order.state <> 'filled' then
      make_interval(secs => least(p_strategy.exit_reprice_ms, 2000) / 1000.0) * least(greatest(s.attempt - 8, 1), 8)
    else interval '0' end;
  elsif s.limit_px_e4 is not null then
    s.ts_until := least(
      v_order.ts + make_interval(secs => p_strategy.exit_reprice_ms / 1000.0),
      v_exit.ts + make_interval(secs => p_strategy.exit_market_after_ms / 1000.0)
    );
  end if;
  select d.decision_id, d.direction, o.intent_id, o.qty, o.limit_px_e4, i.instrument_id, i.multiplier, trade.risk_px(i.instrument_id) as risk_e4 into v_reversal
  from trade.order_intents o
  join trade.decisions d on d.decision_id = o.decision_id
  join ref.instruments i on i.instrument_id = d.instrument_id
  where o.run_id = v_exit.run_id and o.ts = v_exit.ts and o.depends_on_id = v_exit.decision_id
    and not exists (select from trade.order_events e where e.intent_id = o.intent_id)
    and not exists (select from trade.cancel_requests c where c.intent_id = o.intent_id);
  if v_reversal.decision_id is not null then
    s.rev_position_id := v_reversal.decision_id;
    s.ts_rev_entry := v_exit.ts;
    s.rev_intent_id := v_reversal.intent_id;
    s.rev_instrument_id := v_reversal.instrument_id;
    s.rev_multiplier := v_reversal.multiplier;
    s.rev_direction := v_reversal.direction;
    s.rev_capital := v_reversal.risk_e4::numeric * v_reversal.multiplier * v_reversal.qty / 10000;
    s.rev_limit_px_e4 := v_reversal.limit_px_e4;
    s.rev_qty := v_reversal.qty;
    s.ts_rev_until := v_exit.ts + make_interval(secs => p_strategy.reversal_valid_ms / 1000.0);
  end if;
  return s;
end
$$;
comment on function trade.load_position(trade.runs, ref.strategies, timestamp, smallint, bigint) is
  'The state of a claimed slot at p_from, read back from the facts of its position: decisions, intents, order events and fills.';
grant execute on function trade.load_position(trade.runs, ref.strategies, timestamp, smallint, bigint) to job_runner;
