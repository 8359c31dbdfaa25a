create or replace procedure trade.paper_fill(
  inout p_state trade.slot_state, inout p_day trade.session_state, inout p_journal trade.journal, p_run trade.runs, p_strategy ref.strategies
)
language plpgsql
as $$
declare
  v_schedule ref.fee_schedules;
  v_qty integer;
  v_commission numeric;
  v_fees numeric;
begin
  v_qty := case when p_strategy.partial_fills then least(p_state.rest_qty, p_state.ev_sz) else p_state.rest_qty end;
  select f.* into strict v_schedule
  from ref.fee_schedules f
  where f.broker = case p_run.broker when 'paper' then 'schwab' else p_run.broker end and f.valid_from <= p_state.ev_ts::date
  order by f.valid_from desc limit 1;
  -- Rounded as it is stored, or a sum read back would differ from the sum kept.
  v_commission := round(v_qty * v_schedule.commission_per_contract, 4);
  v_fees := round(
    v_qty * (v_schedule.fees_per_contract + case p_state.side when 'sell' then v_schedule.sell_fees_per_contract else 0 end), 4
  );
  if p_state.ev_kind = 'settle' then
    v_commission := 0;
    v_fees := 0;
  end if;
  p_journal.fills := p_journal.fills || row(
    nextval('trade.fills_fill_id_seq'), p_run.run_id, p_state.intent_id, p_state.position_id, 1, p_run.account,
    -- What was left before it tells the fills of one order apart.
    'paper-' || p_state.intent_id || '-' || p_state.rest_qty, p_state.ev_ts, p_state.instrument_id, p_state.side,
    case p_state.phase when 'entering' then 'open' else 'close' end, v_qty, p_state.ev_px_e4, v_commission, v_fees,
    case p_state.ev_kind when 'fill' then p_state.ev_ts end, case p_state.ev_kind when 'fill' then p_state.ev_seq end
  )::trade.fills;
  p_state.rest_qty := p_state.rest_qty - v_qty;
  p_journal.events := p_journal.events || trade.paper_event(
    p_run, p_state.intent_id, p_state.ev_ts, case p_state.rest_qty when 0 then 'filled' else 'partially_filled' end,
    case p_state.ev_kind when 'settle' then 'settled at expiry' end
  );
  p_state.cost := p_state.cost + v_commission + v_fees;
  p_state.fill_ts := p_state.ev_ts;
  p_state.fill_seq := p_state.ev_seq;
  if p_state.phase = 'entering' then
    p_state.qty := p_state.qty + v_qty;
    p_state.notional_e4 := p_state.notional_e4 + v_qty * p_state.ev_px_e4::bigint;
    if p_state.rest_qty = 0 then
      p_state.phase := 'open';
    end if;
  else
    p_state.closed_qty := p_state.closed_qty + v_qty;
    p_state.closed_notional_e4 := p_state.closed_notional_e4 + v_qty * p_state.ev_px_e4::bigint;
    if p_state.rest_qty = 0 then
      p_day.day_pl := p_day.day_pl
        + (p_state.notional_e4 - p_state.closed_notional_e4) * p_state.multiplier / 10000.0 - p_state.cost;
      call trade.vacate_slot(p_state, p_journal, p_run, p_strategy, p_state.ev_ts);
    end if;
  end if;
end
$$;
comment on procedure trade.paper_fill(trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies) is
  'Fills the working order of a slot at the quote that find_event found (sell at bid, buy at ask; up to the displayed size when the strategy asks for '
  'partial fills), with commission and fees from ref.fee_schedules; or settles it at expiry, free of both. When the position is flat its slot is vacated.';
grant execute on procedure trade.paper_fill(trade.slot_state, trade.session_state, trade.journal, trade.runs, ref.strategies) to job_runner;
