create or replace function trade.record_fill(
  p_intent_id bigint, p_epoch bigint, p_execution_id text, p_ts timestamp, p_leg_no smallint, p_qty integer, p_px_e4 integer
) returns boolean
language plpgsql volatile
as $$
declare
  v_run trade.runs := trade.check_fence(p_intent_id, p_epoch);
  v_order record;
  v_fees ref.fee_schedules;
  v_open_qty integer;
begin
  if exists (
    -- The id of another execution is no repetition: it meets fills_execution_key.
    select from trade.fills f
    where f.account = v_run.account and f.execution_id = p_execution_id and f.intent_id = p_intent_id and f.leg_no = p_leg_no and f.qty = p_qty
  ) then
    return false;
  end if;
  select i.position_id, d.run_id, l.instrument_id, l.side, l.effect,
    -- Sent is what counts: it may be less than was intended, and of what was never sent nothing can fill.
    coalesce((select coalesce(e.qty, l.qty) from trade.order_events e where e.intent_id = i.intent_id and e.state = 'submitted'), 0) as qty,
    coalesce((
      select sum(f.qty) from trade.fills f where f.position_id = i.position_id and f.intent_id = i.intent_id and f.leg_no = p_leg_no
    ), 0) as filled_qty
  into strict v_order
  from trade.order_intents i
  join trade.order_intent_legs l on l.intent_id = i.intent_id and l.leg_no = p_leg_no
  -- A position is its entry's run's, though a later run of the account closes it.
  join trade.decisions d on d.decision_id = i.position_id
  where i.intent_id = p_intent_id;
  if v_order.filled_qty + p_qty > v_order.qty then
    raise exception 'order % was sent for % contracts; with execution % there would be % filled',
      p_intent_id, v_order.qty, p_execution_id, v_order.filled_qty + p_qty using errcode = 'SB011';
  end if;
  select f.* into strict v_fees from ref.fee_schedules f
  where f.broker = v_run.broker and f.valid_from <= p_ts::date order by f.valid_from desc limit 1;
  insert into trade.fills (
    run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees
  ) values (
    v_order.run_id, p_intent_id, v_order.position_id, p_leg_no, v_run.account, p_execution_id, p_ts, v_order.instrument_id, v_order.side,
    v_order.effect, p_qty, p_px_e4, round(p_qty * v_fees.commission_per_contract, 4),
    round(p_qty * (v_fees.fees_per_contract + case v_order.side when 'sell' then v_fees.sell_fees_per_contract else 0 end), 4)
  );
  select sum(case f.effect when 'open' then f.qty else -f.qty end) into v_open_qty
  from trade.fills f where f.position_id = v_order.position_id and f.instrument_id = v_order.instrument_id;
  if v_open_qty < 0 then
    -- Both closings were ours, and both are true: it keeps its slot until people have looked at it.
    perform trade.halt(v_run.account, p_ts, format('position %s is closed %s contracts too far', v_order.position_id, -v_open_qty));
  end if;
  return true;
end
$$;
comment on function trade.record_fill(bigint, bigint, text, timestamp, smallint, integer, integer) is
  'Stores an execution that the broker reports; false where its id is known already. Commission and fees are those of ref.fee_schedules until the daily '
  'reconciliation. A position that is closed beyond flat halts entries. SB010: another process has the account; SB011: more would be filled than was sent.';
grant execute on function trade.record_fill(bigint, bigint, text, timestamp, smallint, integer, integer) to job_runner;
