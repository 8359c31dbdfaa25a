create or replace function trade.handle_event(
  p_walk trade.walk_state, p_tape trade.quote_tape, p_run trade.runs, p_strategy ref.strategies, p_as_of timestamp
) returns trade.walk_state
language plpgsql volatile
as $$
declare
  s trade.slot_state := p_walk.slot;
  v_ask record;
begin
  case s.ev_kind
    when 'fill', 'settle' then
      return trade.paper_fill(p_walk, p_run, p_strategy, p_as_of);
    when 'take_profit', 'stop_loss' then
      return trade.start_exit(p_walk, p_run, p_strategy, s.ev_ts, s.ev_kind, null, s.ev_px_e4, s.ev_quote_ts);
    when 'flat' then
      v_ask := trade.last_ask(p_run, p_tape, s.instrument_id, s.ev_ts, p_as_of);
      return trade.start_exit(p_walk, p_run, p_strategy, s.ev_ts, 'forced_flat', null, v_ask.ask_e4, v_ask.ts);
    when 'expired' then
      return trade.start_exit(p_walk, p_run, p_strategy, s.ev_ts, 'expired', null, null, null);
    when 'reverse' then
      v_ask := trade.last_ask(p_run, p_tape, s.instrument_id, s.ev_ts, p_as_of);
      return trade.start_exit(p_walk, p_run, p_strategy, s.ev_ts, 'reverse', (-s.direction)::smallint, v_ask.ask_e4, v_ask.ts);
    when 'reprice' then
      return trade.reprice_exit(p_walk, p_run, p_strategy);
    when 'expire_reversal' then
      return trade.cancel_reversal(p_walk, p_run, s.ev_ts, 'the close did not fill in time');
    when 'vacate' then
      if s.fill_ts > s.ts_rev_until then
        p_walk := trade.cancel_reversal(p_walk, p_run, s.ev_ts, 'the close did not fill in time');
      end if;
      return trade.vacate_slot(p_walk, p_run, p_strategy, s.ev_ts);
    when 'expire' then
      return trade.cancel_entry(p_walk, p_run, p_strategy, s.ev_ts, 'unfilled');
  end case;
end
$$;
comment on function trade.handle_event(trade.walk_state, trade.quote_tape, trade.runs, ref.strategies, timestamp) is
  'Carries out the event that find_event found for a slot.';
grant execute on function trade.handle_event(trade.walk_state, trade.quote_tape, trade.runs, ref.strategies, timestamp) to job_runner;
