create or replace function trade.lost_positions(p_account text, p_strategy text, p_broker text, p_since timestamp)
returns table (position_id bigint, ts timestamp)
language sql stable
as $$
  select l.position_id, min(l.ts)
  from (
    select f.position_id, min(f.ts) as ts, sum(case f.effect when 'open' then f.qty else -f.qty end) as open_qty
    from trade.runs r
    cross join lateral (select x.* from trade.fills x where x.run_id = r.run_id and x.ts >= p_since offset 0) f
    where r.account = p_account and r.strategy = p_strategy and r.broker = p_broker and r.mode = 'live' and r.ts_to > p_since
    group by f.position_id, f.instrument_id
  ) l
  group by l.position_id
  -- Of several legs any.
  having max(l.open_qty) > 0
    and not exists (select from trade.position_slots p where p.position_id = l.position_id)
$$;
comment on function trade.lost_positions(text, text, text, timestamp) is
  'Positions that were opened since p_since, are open, and have no slot: the entry filled after it had been given up, e.g. behind its cancel. With '
  'their first fill.';
grant execute on function trade.lost_positions(text, text, text, timestamp) to job_runner;
