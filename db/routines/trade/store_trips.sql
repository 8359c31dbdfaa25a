create or replace function trade.store_trips(p_position_ids bigint[]) returns void
language plpgsql volatile
as $$
begin
  insert into trade.closed_trips (
    position_id, revision, run_id, is_flat, session_date, instrument_id, legs, qty, ts_entry, ts_exit, opened_notional_e4,
    closed_notional_e4, bound_e4, gross_e4, net_e4
  )
  select
    t.position_id, coalesce(s.revision + 1, 0), t.run_id, t.is_flat, t.session_date, t.instrument_id, t.legs, t.qty, t.ts_entry, t.ts_exit,
    t.opened_notional_e4, t.closed_notional_e4, t.bound_e4, t.gross_e4, t.net_e4
  from trade.folded_trips t
  left join (
    select c.position_id, max(c.revision) as revision from trade.closed_trips c where c.position_id = any (p_position_ids) group by c.position_id
  ) s on s.position_id = t.position_id
  where t.position_id = any (p_position_ids) and (t.is_flat or s.revision is not null);
end
$$;
comment on function trade.store_trips(bigint[]) is
  'Appends what positions made to trade.closed_trips: those that are flat, and those that were and are not any more. Called after every fill of theirs.';
grant execute on function trade.store_trips(bigint[]) to job_runner;
