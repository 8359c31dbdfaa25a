-- Makes the contracts of one expiration that are not known yet.
create or replace function market.ensure_option_chain(p_root text, p_expiration date, p_strikes_e4 integer[]) returns void
language plpgsql volatile parallel unsafe
as $$
declare
  v_missing text[];
begin
  -- Only the missing ones: an insert that conflicts uses up an id for every row.
  select array_agg(s.symbol order by s.symbol)
  into v_missing
  from (
    select ref.osi_symbol(p_root, p_expiration, k.option_kind, strike_e4) as symbol
    from unnest(p_strikes_e4) as strike_e4
    cross join (values ('call'), ('put')) as k (option_kind)
  ) as s
  where not exists (select from ref.instruments i where i.symbol = s.symbol);
  if v_missing is not null then
    perform ref.instrument_ids(v_missing, 'option');
  end if;
end
$$;
comment on function market.ensure_option_chain(text, date, integer[]) is
  'Makes the calls and puts of a root, expiration and strikes (1/10,000 dollar) that ref.instruments lacks.';
grant execute on function market.ensure_option_chain(text, date, integer[]) to job_runner, ingest_writer;
