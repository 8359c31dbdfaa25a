create or replace procedure trade.handle_event(
  inout p_state trade.slot_state, inout p_day trade.session_state, inout p_journal trade.journal, p_tape trade.quote_tape,
  p_run trade.runs, p_strategy ref.strategies, p_as_of timestamp
)
language plpgsql
as $$
declare
  v_ask record;
begin
  if p_state.ev_kind = 'fill' then
    call trade.paper_fill(p_state, p_day, p_journal, p_run, p_strategy);
  elsif p_state.ev_kind in ('take_profit', 'stop_loss') then
    call trade.start_exit(
      p_state, p_day, p_journal, p_run, p_strategy, p_state.ev_ts, p_state.ev_kind, null, p_state.ev_px_e4, p_state.ev_ts
    );
  elsif p_state.ev_kind = 'flat' then
    v_ask := trade.last_ask(p_run, p_tape, p_state.instrument_id, p_state.ev_ts, p_as_of);
    call trade.start_exit(p_state, p_day, p_journal, p_run, p_strategy, p_state.ev_ts, 'forced_flat', null, v_ask.ask_e4, v_ask.ts);
  elsif p_state.ev_kind = 'reprice' then
    call trade.reprice_exit(p_state, p_day, p_journal, p_run, p_strategy);
  elsif p_state.ev_kind = 'expire_reversal' then
    p_journal.events := p_journal.events
      || trade.paper_event(p_run, p_state.rev_intent_id, p_state.ev_ts, 'canceled', 'the close did not fill in time');
    p_state.rev_position_id := null;
    p_state.rev_intent_id := null;
    p_state.rev_instrument_id := null;
    p_state.ts_rev_until := null;
  elsif p_state.ev_kind = 'settle' then
    p_state.ev_sz := p_state.rest_qty;
    call trade.paper_fill(p_state, p_day, p_journal, p_run, p_strategy);
  elsif p_state.ev_kind = 'expire' then
    p_journal.events := p_journal.events || trade.paper_event(p_run, p_state.intent_id, p_state.ev_ts, 'canceled', 'unfilled');
    if p_state.qty = 0 then
      call trade.vacate_slot(p_state, p_journal, p_run, p_strategy, p_state.ev_ts);
    else
      p_state.phase := 'open';
    end if;
  end if;
end
$$;
comment on procedure trade.handle_event(
  trade.slot_state, trade.session_state, trade.journal, trade.quote_tape, trade.runs, ref.strategies, timestamp
) is 'Carries out the event that find_event found for a slot.';
grant execute on procedure trade.handle_event(
  trade.slot_state, trade.session_state, trade.journal, trade.quote_tape, trade.runs, ref.strategies, timestamp
) to job_runner;
