create or replace function signal.stored_sums(
  p_from timestamp, p_to timestamp, p_context signal.context, out volume_e6 bigint, out notional_e12 numeric
)
language plpgsql stable
-- By key, also where the caller's own statements are planned with their values.
set plan_cache_mode = force_generic_plan
as $$
begin
  select coalesce(sum(b.volume_e6), 0)::bigint, coalesce(sum(b.notional_e12), 0) into volume_e6, notional_e12
  from (
    select distinct on (p.ts) p.volume_e6, p.notional_e12
    from signal.periods p
    where p.run_id = p_context.run_id and p.instrument_id = p_context.instrument_id and p.ts > p_from and p.ts <= p_to
    order by p.ts, p.revision desc
  ) b;
end
$$;
comment on function signal.stored_sums(timestamp, timestamp, signal.context) is
  'Volume and notional of the periods that a run has stored, closing in (p_from, p_to], by their latest revisions.';
grant execute on function signal.stored_sums(timestamp, timestamp, signal.context) to job_runner;
