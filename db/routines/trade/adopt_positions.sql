create or replace function trade.adopt_positions(p_run trade.runs, p_from timestamp) returns void
language plpgsql volatile
as $$
declare
  v_lost record;
  v_slot smallint;
begin
  for v_lost in
    select l.position_id, l.ts
    from trade.lost_positions(
      p_run.account, p_run.strategy, p_run.broker,
      -- Fills become known within the minute. Only a run's beginning can find what nobody has walked over since.
      p_from - case p_from when p_run.ts_from then interval '10 days' else interval '1 day' end
    ) l
    order by l.position_id
  loop
    select p.slot into v_slot from trade.position_slots p
    where p.account = p_run.account and p.strategy = p_run.strategy and p.position_id is null
    order by p.slot limit 1;
    if v_slot is null then
      -- More than the strategy may hold, but somebody has to watch it: new entries find no room until it is closed.
      insert into trade.position_slots (account, strategy, slot)
      select p_run.account, p_run.strategy, max(p.slot) + 1
      from trade.position_slots p where p.account = p_run.account and p.strategy = p_run.strategy
      returning slot into v_slot;
    end if;
    update trade.position_slots p set position_id = v_lost.position_id, ts_claimed = v_lost.ts
    where p.account = p_run.account and p.strategy = p_run.strategy and p.slot = v_slot;
  end loop;
end
$$;
comment on function trade.adopt_positions(trade.runs, timestamp) is
  'Gives every open position of a run''s account a slot (trade.lost_positions), an additional one where none is free.';
grant execute on function trade.adopt_positions(trade.runs, timestamp) to job_runner;
