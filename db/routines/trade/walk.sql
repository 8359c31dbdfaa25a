create or replace procedure trade.walk(p_run trade.runs, p_strategy ref.strategies, p_from timestamp, p_to timestamp, p_as_of timestamp)
language plpgsql
as $$
declare
  v_slots trade.slot_state[] := trade.load_slots(p_run, p_strategy);
  v_tapes trade.quote_tape[] := trade.load_tapes(p_run, v_slots, p_from, p_to, p_as_of);
  v_slot_tapes trade.quote_tape[];
  v_tape trade.quote_tape;
  v_day trade.session_state := trade.load_session(p_run, p_strategy, p_from::date, p_from);
  v_halted boolean := trade.is_halted(p_run, p_as_of);
  v_multiplier integer := coalesce((select r.multiplier from ref.option_roots r where r.root = p_strategy.option_root), 100);
  v_states trade.gate_state[] := array[trade.gate_state(p_from, v_slots, v_day, null, p_strategy.slots)];
  v_journal trade.journal := row('{}', '{}', '{}', '{}', '{}');
  v_step record;
  v_next integer;
  v_slot integer;
  v_reversing smallint;
  v_gates trade.gate_state;
  d trade.decisions;
  s trade.slot_state;
  v_ask record;
begin
  for v_step in
    select g.ts, 'signal' as kind, g.direction
    from signal.signals g
    where g.run_id = p_run.run_id and g.instrument_id = p_run.instrument_id and g.ts > p_from and g.ts <= p_to
    union all
    -- After the last signal come the quotes up to the end of the slice.
    select p_to, 'to', null
    order by 1, 2
  loop
    loop
      -- Of all slots, the earliest event before the step; of two at one instant, that of the lower slot.
      v_next := null;
      for i in 1 .. cardinality(v_slots) loop
        s := v_slots[i];
        continue when s.phase = 'free';
        v_tape := v_slot_tapes[i];
        if v_tape.instrument_id is distinct from s.instrument_id then
          v_tape := trade.tape_of(v_tapes, s.instrument_id);
          v_slot_tapes[i] := v_tape;
        end if;
        s := trade.find_event(s, v_tape, p_run, v_day, p_strategy, p_from, v_step.ts);
        v_slots[i] := s;
        if s.ev_ts is not null and (v_next is null or s.ev_ts < v_slots[v_next].ev_ts) then
          v_next := i;
        end if;
      end loop;
      exit when v_next is null;
      s := v_slots[v_next];
      d.ts := s.ev_ts;
      call trade.handle_event(s, v_day, v_journal, v_slot_tapes[v_next], p_run, p_strategy, p_as_of);
      v_slots[v_next] := s;
      -- A period that closes at the very instant of a quote is decided before it.
      v_states := v_states || trade.gate_state(d.ts + interval '1 microsecond', v_slots, v_day, null, p_strategy.slots);
    end loop;
    exit when v_step.kind = 'to';

    v_reversing := null;
    v_slot := null;
    for i in 1 .. cardinality(v_slots) loop
      s := v_slots[i];
      if s.rev_position_id is not null and s.rev_direction <> v_step.direction then
        v_journal.events := v_journal.events || trade.paper_event(p_run, s.rev_intent_id, v_step.ts, 'canceled', 'reverse signal');
        s.rev_position_id := null;
        s.rev_intent_id := null;
        s.rev_instrument_id := null;
        s.ts_rev_until := null;
        v_slots[i] := s;
      end if;
      if p_strategy.exit_on_reverse and s.phase in ('entering', 'open') and s.direction <> v_step.direction
        -- A live run that takes over in mid-session meets the signals before its position again.
        and v_step.ts > s.ts_entry then
        if s.qty = 0 then
          v_journal.events := v_journal.events || trade.paper_event(p_run, s.intent_id, v_step.ts, 'canceled', 'reverse signal');
          call trade.vacate_slot(s, v_journal, p_run, p_strategy, v_step.ts);
        else
          v_ask := trade.last_ask(p_run, v_slot_tapes[i], s.instrument_id, v_step.ts, p_as_of);
          call trade.start_exit(
            s, v_day, v_journal, p_run, p_strategy, v_step.ts, 'reverse', v_step.direction, v_ask.ask_e4, v_ask.ts
          );
          v_reversing := coalesce(v_reversing, s.slot);
        end if;
        v_slots[i] := s;
      end if;
      if s.phase = 'free' then
        v_slot := coalesce(v_slot, i);
      end if;
    end loop;
    v_slot := coalesce(v_reversing, v_slot);
    v_gates := trade.gate_state(v_step.ts, v_slots, v_day, v_reversing, p_strategy.slots);
    v_states := v_states || v_gates;
    select * into strict d
    from trade.judge_periods(
      v_step.ts - interval '1 microsecond', v_step.ts, p_run, p_strategy, v_day, array[v_gates], v_halted, v_multiplier, p_as_of
    );
    if d.verdict = 'TRADE' then
      s := v_slots[v_slot];
      call trade.decide_entry(
        s, v_day, v_journal, p_run, p_strategy, d, v_gates.open_capital, v_multiplier, v_reversing is not null
      );
      v_slots[v_slot] := s;
    end if;
    v_day.recent_orders := array(select o from unnest(v_day.recent_orders) as o where o > v_step.ts - interval '60 seconds');
    v_states := v_states || trade.gate_state(v_step.ts + interval '1 microsecond', v_slots, v_day, null, p_strategy.slots);
  end loop;

  call trade.write_journal(v_journal);
  insert into trade.decisions overriding user value
  select j.*
  from trade.judge_periods(p_from, p_to, p_run, p_strategy, v_day, v_states, v_halted, v_multiplier, p_as_of) j
  where j.verdict = 'SKIP';
  update trade.position_slots p
  set position_id = x.position_id, ts_claimed = x.ts_entry
  from unnest(v_slots) x
  where p.account = p_run.account and p.strategy = p_run.strategy and p.slot = x.slot and p.position_id is distinct from x.position_id;
end
$$;
comment on procedure trade.walk(trade.runs, ref.strategies, timestamp, timestamp, timestamp) is
  'Walks the events of a slice of one session day in time order. At one instant: period close, exits by signal, entry; then the quotes of that instant, '
  'which fill orders and trigger stops and targets, and what the clock brings. Quotes in [p_from, p_to), closes in (p_from, p_to].';
grant execute on procedure trade.walk(trade.runs, ref.strategies, timestamp, timestamp, timestamp) to job_runner;
