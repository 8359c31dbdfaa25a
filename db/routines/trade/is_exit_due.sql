create or replace function trade.is_exit_due(p_run_id bigint, p_to timestamp, p_as_of timestamp) returns boolean
language plpgsql volatile
as $$
declare
  v_run trade.runs;
  v_strategy ref.strategies;
  v_from timestamp;
  v_end timestamp;
  v_day trade.session_state;
  v_slots trade.slot_state[];
  v_tapes trade.quote_tape[];
  s trade.slot_state;
begin
  perform engine.plan_by_key();
  select * into strict v_run from trade.runs r where r.run_id = p_run_id;
  v_strategy := jsonb_populate_record(null::ref.strategies, v_run.params);
  select coalesce(max(x.ts_to), v_run.ts_from) into v_from from trade.slices x where x.run_id = p_run_id;
  v_day := trade.load_session(v_run, v_strategy, v_from::date, v_from);
  v_end := date_bin(make_interval(secs => v_strategy.period_ms / 1000.0), p_to, coalesce(v_day.ts_open, v_from::date));
  -- Of half a period the next one would cross back.
  if v_end > v_from and not trade.has_whole_ticks(v_run, v_end, p_as_of) then
    return false;
  end if;
  v_slots := array(
    select trade.load_position(v_run, v_strategy, v_from, p.slot, p.position_id)
    from trade.position_slots p
    where p.account = v_run.account and p.strategy = v_run.strategy and p.position_id is not null
    order by p.slot
  );
  v_tapes := trade.load_tapes(v_run, v_strategy, v_slots, '{}', v_from, p_to, p_as_of);
  foreach s in array v_slots loop
    if s.phase = 'open' and v_strategy.structure = 'short_single' and not exists (
      select from trade.orders o where o.position_id = s.position_id and o.purpose = 'protect'
    ) then
      return true;
    end if;
    s := trade.find_event(s, trade.tape_of(v_tapes, s.instrument_id), v_run, v_day, v_strategy, v_from, p_to);
    -- The next price of an exit that works can wait, and what has filled of an entry may not hide behind its end.
    if s.ev_kind in ('take_profit', 'stop_loss', 'flat', 'reverse')
      or s.ev_kind in ('reprice', 'expire_reversal') and s.intent_id is null
      or s.ev_kind = 'expire' and s.qty > s.closed_qty then
      return true;
    end if;
  end loop;
  return false;
end
$$;
comment on function trade.is_exit_due(bigint, timestamp, timestamp) is
  'Whether something that a run holds at its broker has an exit due before p_to, by what was received by p_as_of, and none at work, or is without its '
  'first protective stop; false while ticks of the period that ends before p_to are still to come. Asked where nothing but late ticks stands before p_to.';
grant execute on function trade.is_exit_due(bigint, timestamp, timestamp) to job_runner;
