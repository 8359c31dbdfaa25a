create or replace function trade.load_slots(p_run trade.runs, p_strategy ref.strategies, p_from timestamp, p_is_apart boolean)
returns trade.slot_state[]
language plpgsql volatile
as $$
declare
  v_slots trade.slot_state[] := '{}';
  s trade.slot_state;
  v_row record;
begin
  if p_run.broker <> 'paper' then
    perform trade.adopt_positions(p_run, p_from);
  end if;
  if not p_is_apart then
    -- Whoever walks holds the slots: a second writer waits here or fails, and never sees them free.
    perform from trade.position_slots p where p.account = p_run.account and p.strategy = p_run.strategy for update;
  end if;
  for v_row in
    select p.slot, p.position_id from trade.position_slots p
    where p.account = p_run.account and p.strategy = p_run.strategy
    order by p.slot
  loop
    if v_row.position_id is null then
      s := null;
      s.slot := v_row.slot;
      s.phase := 'free';
    else
      s := trade.load_position(p_run, p_strategy, p_from, v_row.slot, v_row.position_id);
    end if;
    v_slots := v_slots || s;
  end loop;
  return v_slots;
end
$$;
comment on function trade.load_slots(trade.runs, ref.strategies, timestamp, boolean) is
  'The slots of a run''s account as facts leave them at p_from, locked until the transaction ends unless p_is_apart.';
grant execute on function trade.load_slots(trade.runs, ref.strategies, timestamp, boolean) to job_runner;
