create or replace function trade.paper_fill(p_walk trade.walk_state, p_run trade.runs, p_strategy ref.strategies, p_as_of timestamp)
returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_day trade.session_state := p_walk.day;
  v_journal trade.journal := p_walk.journal;
  v_is_settlement boolean := s.ev_kind = 'settle';
  v_qty integer := case when p_strategy.partial_fills and not v_is_settlement then least(s.rest_qty, s.ev_sz) else s.rest_qty end;
  v_sold smallint;
  v_fill trade.fills;
  v_commission numeric := 0;
  v_fees numeric := 0;
begin
  if not v_is_settlement then
    -- Rounded as it is stored, or a sum read back would differ from the sum kept.
    v_sold := case s.side when 'sell' then s.short_legs else s.long_legs end;
    v_commission := round(v_qty * v_day.commission_per_contract, 4) * (s.short_legs + s.long_legs);
    v_fees := round(v_qty * (v_day.fees_per_contract + v_day.sell_fees_per_contract), 4) * v_sold
      + round(v_qty * v_day.fees_per_contract, 4) * (s.short_legs + s.long_legs - v_sold);
  end if;
  v_fill := row(
    nextval('trade.fills_fill_id_seq'), p_run.run_id, s.intent_id, s.position_id, 1, p_run.account,
    -- What was left before it tells the fills of one order apart.
    'paper-' || s.intent_id || '-' || s.rest_qty, s.ev_ts, s.instrument_id, s.side,
    case s.phase when 'entering' then 'open' else 'close' end, v_qty, s.ev_px_e4, v_commission, v_fees,
    case when not v_is_settlement then s.ev_ts end, case when not v_is_settlement then s.ev_seq end
  )::trade.fills;
  if s.long_legs > 0 then
    v_journal.fills := v_journal.fills || trade.split_fill(v_fill, p_run, p_strategy, v_day, p_as_of);
  else
    v_journal.fills := v_journal.fills || v_fill;
  end if;
  s.rest_qty := s.rest_qty - v_qty;
  v_journal.events := v_journal.events || trade.paper_event(
    p_run, s.intent_id, s.ev_ts, case s.rest_qty when 0 then 'filled' else 'partially_filled' end,
    case when v_is_settlement then 'settled at expiry' end
  );
  s.cost := s.cost + v_commission + v_fees;
  s.fill_ts := s.ev_ts;
  s.fill_seq := s.ev_seq;
  if s.phase = 'entering' then
    s.qty := s.qty + v_qty;
    s.notional_e4 := s.notional_e4 + v_qty * s.ev_px_e4::bigint;
    if s.rest_qty = 0 then
      s.phase := 'open';
    end if;
    return row(s, v_day, v_journal)::trade.walk_state;
  end if;
  s.closed_qty := s.closed_qty + v_qty;
  s.closed_notional_e4 := s.closed_notional_e4 + v_qty * s.ev_px_e4::bigint;
  if s.rest_qty > 0 then
    return row(s, v_day, v_journal)::trade.walk_state;
  end if;
  v_day.day_pl := v_day.day_pl + (s.notional_e4 - s.closed_notional_e4) * s.multiplier / 10000.0 - s.cost;
  return trade.vacate_slot(row(s, v_day, v_journal)::trade.walk_state, p_run, p_strategy, s.ev_ts);
end
$$;
comment on function trade.paper_fill(trade.walk_state, trade.runs, ref.strategies, timestamp) is
  'Fills the working order of a slot at the quote that find_event found (sell at bid, buy at ask; up to the displayed size when the strategy asks for '
  'partial fills), with commission and fees from ref.fee_schedules; or settles it at expiry, free of both. When the position is flat its slot is vacated.';
grant execute on function trade.paper_fill(trade.walk_state, trade.runs, ref.strategies, timestamp) to job_runner;
