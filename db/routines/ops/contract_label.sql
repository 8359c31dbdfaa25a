create or replace function ops.contract_label(p_instrument_id integer) returns text
language sql stable
as $$
  select coalesce(
    u.symbol || ' ' || i.expiration || ' ' || trim_scale(i.strike_e4 / 10000.0) || ' ' || i.option_kind,
    i.symbol
  )
  from ref.instruments i
  left join ref.instruments u on u.instrument_id = i.underlying_id
  where i.instrument_id = p_instrument_id
$$;
comment on function ops.contract_label(integer) is 'A contract as people say it, e.g. QQQ 2026-06-17 600 put.';
grant execute on function ops.contract_label(integer) to job_runner;
