create or replace function ref.legs_of(p_instrument_id integer)
returns table (leg_no smallint, instrument_id integer, side smallint)
language sql stable
-- Not strict, so that it is planned with the query around it.
as $$
  select l.n::smallint, abs(l.leg), sign(l.leg)::smallint
  from ref.spreads s
  cross join lateral unnest(s.legs) with ordinality as l (leg, n)
  where s.instrument_id = p_instrument_id
  union all
  select 1::smallint, p_instrument_id, -1::smallint
  where not exists (select from ref.spreads s where s.instrument_id = p_instrument_id)
$$;
comment on function ref.legs_of(integer) is
  'The contracts behind what is traded: those of a spread, or the contract itself. side is what selling it does: -1 sells, 1 buys.';
grant execute on function ref.legs_of(integer) to ingest_writer, job_runner, backup;
