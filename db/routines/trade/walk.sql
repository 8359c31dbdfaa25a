create or replace procedure trade.walk(
  p_run trade.runs, p_strategy ref.strategies, p_from timestamp, p_to timestamp, p_as_of timestamp, p_is_apart boolean
)
language plpgsql
as $$
declare
  v_multiplier integer := coalesce((select r.multiplier from ref.option_roots r where r.root = p_strategy.option_root), 100);
  v_slots trade.slot_state[] := trade.load_slots(p_run, p_strategy, p_from, p_is_apart);
  v_day trade.session_state := trade.load_session(p_run, p_strategy, p_from::date, p_from);
  v_faces trade.face[] := trade.face_periods(p_run, p_strategy, v_day, p_from, p_to, v_multiplier, p_as_of);
  v_tapes trade.quote_tape[] := trade.load_tapes(p_run, p_strategy, v_slots, v_faces, p_from, p_to, p_as_of);
  v_slot_tapes trade.quote_tape[];
  v_tape trade.quote_tape;
  v_bar text := coalesce(trade.entry_bar(p_run, p_as_of), trade.mark_bar(p_run, (select max(f.ts) from unnest(v_faces) f)));
  v_states trade.gate_state[] := array[trade.gate_state(p_from, v_slots, v_day, null, p_strategy.slots)];
  v_gates trade.gate_state;
  v_walk trade.walk_state := row(null, v_day, row('{}', '{}', '{}', '{}', '{}', '{}'));
  v_journal trade.journal := v_walk.journal;
  v_entries trade.entry_mark[] := '{}';
  v_entry trade.entry_mark;
  v_step trade.face;
  v_next integer;
  v_slot integer;
  v_reversing smallint;
  v_ts timestamp;
  s trade.slot_state;
  v_ask record;
  v_has_work boolean;
begin
  for v_step in
    select f.* from unnest(v_faces) f where f.direction is not null
    union all
    -- After the last signal come the quotes up to the end of the slice.
    select (null::trade.face).*
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
        s := trade.find_event(s, v_tape, p_run, v_walk.day, p_strategy, p_from, coalesce(v_step.ts, p_to));
        v_slots[i] := s;
        if s.ev_ts is not null and (v_next is null or s.ev_ts < v_ts) then
          v_next := i;
          v_ts := s.ev_ts;
        end if;
      end loop;
      exit when v_next is null;
      v_walk.slot := v_slots[v_next];
      v_walk := trade.handle_event(v_walk, v_slot_tapes[v_next], p_run, p_strategy, p_as_of);
      v_slots[v_next] := v_walk.slot;
      -- A period that closes at the very instant of a quote is decided before it.
      v_states := v_states || trade.gate_state(v_ts + interval '1 microsecond', v_slots, v_walk.day, null, p_strategy.slots);
    end loop;
    -- The state is copied with every event: what it has collected is set aside before it grows long.
    if cardinality((v_walk.journal).events) >= 8 then
      v_journal := trade.join_journals(v_journal, v_walk.journal);
      v_walk.journal := row('{}', '{}', '{}', '{}', '{}', '{}');
    end if;
    exit when v_step.ts is null;

    v_reversing := null;
    v_slot := null;
    for i in 1 .. cardinality(v_slots) loop
      s := v_slots[i];
      v_walk.slot := s;
      if s.rev_position_id is not null and s.rev_direction <> v_step.direction then
        v_walk := trade.cancel_reversal(v_walk, p_run, v_step.ts, 'reverse signal');
      end if;
      if p_strategy.exit_on_reverse and s.phase in ('entering', 'open') and s.direction <> v_step.direction
        -- A live run that takes over in mid-session meets the signals before its position again.
        and v_step.ts > s.ts_entry then
        if s.qty <= s.closed_qty then
          v_walk := trade.cancel_entry(v_walk, p_run, p_strategy, v_step.ts, 'reverse signal');
        else
          v_ask := trade.last_ask(p_run, v_slot_tapes[i], s.instrument_id, v_step.ts, p_as_of);
          v_walk := trade.start_exit(v_walk, p_run, p_strategy, v_step.ts, 'reverse', v_step.direction, v_ask.ask_e4, v_ask.ts);
          v_reversing := coalesce(v_reversing, s.slot);
        end if;
      end if;
      s := v_walk.slot;
      v_slots[i] := s;
      if s.phase = 'free' then
        v_slot := coalesce(v_slot, i);
      end if;
    end loop;
    v_slot := coalesce(v_reversing, v_slot);
    v_gates := trade.gate_state(v_step.ts, v_slots, v_walk.day, v_reversing, p_strategy.slots);
    v_states := v_states || v_gates;
    if trade.passes_gates(v_step, v_gates, p_strategy, v_bar) then
      v_entry := row(v_step.ts, nextval('trade.decisions_decision_id_seq'), v_reversing is not null);
      v_entries := v_entries || v_entry;
      v_walk.slot := v_slots[v_slot];
      v_walk := trade.decide_entry(v_walk, p_run, p_strategy, v_step, v_entry, v_multiplier);
      v_slots[v_slot] := v_walk.slot;
    end if;
    v_day := v_walk.day;
    v_day.recent_orders := v_day.recent_orders[width_bucket(v_step.ts - interval '60 seconds', v_day.recent_orders) + 1:];
    v_walk.day := v_day;
    v_states := v_states || trade.gate_state(v_step.ts + interval '1 microsecond', v_slots, v_day, null, p_strategy.slots);
  end loop;

  v_journal := trade.join_journals(v_journal, v_walk.journal);
  call trade.judge_periods(p_run, p_strategy, v_day, v_faces, v_states, v_entries, v_bar, p_as_of);
  call trade.write_journal(v_journal);
  update trade.position_slots p
  set position_id = x.position_id, ts_claimed = x.ts_entry
  from unnest(v_slots) x
  where p.account = p_run.account and p.strategy = p_run.strategy and p.slot = x.slot and p.position_id is distinct from x.position_id;
  if p_run.broker <> 'paper' then
    v_has_work := trade.protect_positions(p_run, p_strategy, v_slots, p_to);
    if v_has_work or cardinality(v_journal.intents) > 0 or cardinality(v_journal.cancels) > 0 then
      perform pg_notify('strikebase_orders', p_run.account);
    end if;
  end if;
end
$$;
comment on procedure trade.walk(trade.runs, ref.strategies, timestamp, timestamp, timestamp, boolean) is
  'Walks the events of a slice of one session day in time order. At one instant: period close, exits by signal, entry; then the quotes of that instant, '
  'which fill orders and trigger stops and targets, and what the clock brings. Quotes in [p_from, p_to), closes in (p_from, p_to].';
grant execute on procedure trade.walk(trade.runs, ref.strategies, timestamp, timestamp, timestamp, boolean) to job_runner;
