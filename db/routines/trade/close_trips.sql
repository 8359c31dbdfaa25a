create or replace function trade.close_trips() returns trigger
language plpgsql
as $$
declare
  v_position_ids bigint[] := array(select distinct a.position_id from added a);
begin
  -- Most slices fill nothing.
  if cardinality(v_position_ids) > 0 then
    perform trade.store_trips(v_position_ids);
  end if;
  return null;
end
$$;
comment on function trade.close_trips() is
  'Trigger that keeps trade.closed_trips in step with trade.fills, whoever writes them. Two that write fills of one position come one after the other: on paper '
  'by the lock of trade.advance, at a broker by that of trade.check_fence.';
create trigger close_trips after insert on trade.fills
  referencing new table as added for each statement execute function trade.close_trips();

-- What was filled before there were trips: none is stored yet.
select trade.store_trips(array(select distinct f.position_id from trade.fills f where f.run_id = r.run_id))
from trade.runs r
where not exists (select from trade.closed_trips);
