create or replace function trade.gate_state(p_ts timestamp, p_slots trade.slot_state[], p_day trade.session_state, p_reversing smallint, p_max_slots smallint)
returns trade.gate_state
language plpgsql immutable
as $$
declare
  g trade.gate_state;
  s trade.slot_state;
begin
  g.ts := p_ts;
  g.open_slots := 0;
  g.open_capital := 0;
  foreach s in array p_slots loop
    -- A position whose exit was decided at this very instant makes room for the other side.
    if s.phase <> 'free' and s.slot is distinct from p_reversing then
      g.open_slots := g.open_slots + 1;
      g.open_capital := g.open_capital + s.capital;
    end if;
  end loop;
  g.has_room := g.open_slots < p_max_slots;
  g.ts_last := greatest(p_day.ts_last_acted, p_day.ts_last_exit);
  g.day_pl := p_day.day_pl;
  g.entries_day := p_day.entries_day;
  g.has_stopped := p_day.has_stopped;
  g.orders_day := p_day.orders_day;
  g.recent_orders := p_day.recent_orders;
  return g;
end
$$;
comment on function trade.gate_state(timestamp, trade.slot_state[], trade.session_state, smallint, smallint) is
  'What the gates that depend on our own past see from p_ts on.';
grant execute on function trade.gate_state(timestamp, trade.slot_state[], trade.session_state, smallint, smallint) to job_runner;
