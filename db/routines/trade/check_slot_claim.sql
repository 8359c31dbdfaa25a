create or replace function trade.check_slot_claim() returns trigger
language plpgsql
as $$
begin
  if exists (
    select from trade.fills f where f.position_id = old.position_id
    group by f.instrument_id
    having sum(case f.effect when 'open' then f.qty else -f.qty end) <> 0
  ) then
    raise exception 'slot % of % / % holds position %, which is not flat', old.slot, old.account, old.strategy, old.position_id
      using errcode = 'SB004';
  end if;
  return new;
end
$$;
comment on function trade.check_slot_claim() is 'Trigger that keeps a slot with its position until that is flat (SB004).';
create trigger check_claim before update on trade.position_slots
  for each row when (old.position_id is not null and new.position_id is distinct from old.position_id)
  execute function trade.check_slot_claim();
