create or replace function trade.protect_positions(p_run trade.runs, p_strategy ref.strategies, p_slots trade.slot_state[], p_ts timestamp)
returns boolean
language plpgsql volatile
as $$
declare
  s trade.slot_state;
  v_stop record;
  v_refused record;
  v_intent_id bigint;
  v_attempt smallint;
  v_px_e4 numeric;
  v_is_changed boolean := false;
begin
  -- What a spread can lose is bounded by its other leg.
  if p_strategy.structure <> 'short_single' then
    return false;
  end if;
  foreach s in array p_slots loop
    continue when s.phase <> 'open' or s.qty <= s.closed_qty;
    select o.intent_id, coalesce(e.qty, o.qty) - o.filled_qty as rest_qty, c.intent_id is not null as is_canceling into v_stop
    from trade.orders o
    left join trade.order_events e on e.intent_id = o.intent_id and e.state = 'submitted'
    left join trade.cancel_requests c on c.intent_id = o.intent_id
    where o.position_id = s.position_id and o.purpose = 'protect' and not trade.is_over(o.state)
    limit 1;
    if v_stop.intent_id is not null then
      -- A late fill has changed the position: the next one is of the right size.
      if v_stop.rest_qty <> s.qty - s.closed_qty and not v_stop.is_canceling then
        insert into trade.cancel_requests (run_id, intent_id, ts, reason) values (p_run.run_id, v_stop.intent_id, p_ts, 'resized');
        v_is_changed := true;
      end if;
      continue;
    end if;
    select count(*), max(o.ts_state) as ts into v_refused
    from trade.orders o
    where o.position_id = s.position_id and o.purpose = 'protect' and o.state in ('denied', 'rejected', 'canceled') and o.filled_qty = 0
      and not exists (select from trade.cancel_requests c where c.intent_id = o.intent_id);
    if v_refused.count >= 3 then
      -- Its broker does not want it. Our own stop is armed all the same.
      insert into ops.alert_outbox (ts, key, severity, text)
      values (p_ts, 'protect-' || s.position_id, 'critical', format('the protective stop of position %s is refused by the broker', s.position_id))
      on conflict do nothing;
    end if;
    continue when p_ts < v_refused.ts + case when v_refused.count < 3 then interval '2 seconds' else interval '1 minute' end;
    select max(o.attempt) + 1 into v_attempt from trade.order_intents o where o.decision_id = s.position_id;
    v_px_e4 := s.notional_e4 * coalesce(p_strategy.stop_loss_ratio, 2) * p_strategy.protect_ratio / s.qty;
    insert into trade.order_intents (
      run_id, decision_id, position_id, attempt, purpose, ts, order_type, qty, slot, stop_px_e4
    )
    select p_run.run_id, s.position_id, s.position_id, v_attempt, 'protect', p_ts, 'stop', s.qty - s.closed_qty, s.slot,
      x.step * ceil(v_px_e4 / x.step)
    from (select ref.price_increment(p_strategy.option_root, v_px_e4::integer) as step) x
    returning intent_id into v_intent_id;
    insert into trade.order_intent_legs values
      (v_intent_id, s.position_id, v_attempt, 1, s.instrument_id, 'buy', 'close', s.qty - s.closed_qty);
    v_is_changed := true;
  end loop;
  return v_is_changed;
end
$$;
comment on function trade.protect_positions(trade.runs, ref.strategies, trade.slot_state[], timestamp) is
  'Writes the intent of a resting stop for every open position that has none, and cancels one of another size; true where it has written. Of three '
  'refusals people are told, and from then on it is tried once a minute.';
grant execute on function trade.protect_positions(trade.runs, ref.strategies, trade.slot_state[], timestamp) to job_runner;
