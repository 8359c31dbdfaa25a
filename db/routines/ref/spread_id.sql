create or replace function ref.spread_id(p_legs integer[]) returns integer
language plpgsql volatile
as $$
declare
  v_id integer;
begin
  select s.instrument_id into v_id from ref.spreads s where s.legs = p_legs;
  if v_id is not null then
    return v_id;
  end if;
  insert into ref.instruments (kind, symbol, underlying_id, root, expiration, option_kind, multiplier)
  select
    'spread',
    min(i.root) || ' ' || to_char(min(i.expiration), 'YYMMDD') || ' '
      || string_agg(upper(left(i.option_kind, 1)) || trim_scale(i.strike_e4 / 10000.0), '/' order by l.n),
    min(i.underlying_id), min(i.root), min(i.expiration), case when min(i.option_kind) = max(i.option_kind) then min(i.option_kind) end,
    min(i.multiplier)
  from unnest(p_legs) with ordinality as l (leg, n)
  join ref.instruments i on i.instrument_id = abs(l.leg) and i.kind = 'option'
  having count(*) = cardinality(p_legs) and min(i.root) = max(i.root) and min(i.expiration) = max(i.expiration)
  on conflict on constraint instruments_symbol_key do nothing
  returning instrument_id into v_id;
  if v_id is null then
    raise exception 'no spread of % can be made', p_legs
      using errcode = 'SB012', hint = 'Its legs are options of one root and one expiration, each once, and no other spread has their name.';
  end if;
  insert into ref.spreads (instrument_id, legs) values (v_id, p_legs);
  return v_id;
end
$$;
comment on function ref.spread_id(integer[]) is
  'The instrument of a spread by its legs (signed as in ref.spreads), made where it is new. SB012: the legs do not make one.';
grant execute on function ref.spread_id(integer[]) to job_runner;
