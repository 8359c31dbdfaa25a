create or replace function ref.instrument_ids(p_symbols text[], p_kind text) returns table (symbol text, instrument_id integer)
language plpgsql volatile
as $$
begin
  if p_kind = 'option' then
    insert into ref.instruments (kind, symbol)
    select distinct coalesce(r.underlying_kind, 'equity'), coalesce(r.underlying, trim(left(s, 6)))
    from unnest(p_symbols) s
    left join ref.option_roots r on r.root = trim(left(s, 6))
    on conflict on constraint instruments_symbol_key do nothing;
    insert into ref.instruments (kind, symbol, underlying_id, root, expiration, option_kind, strike_e4, multiplier)
    select distinct
      'option', s, u.instrument_id, trim(left(s, 6)), to_date(substr(s, 7, 6), 'YYMMDD'),
      case substr(s, 13, 1) when 'C' then 'call' else 'put' end, substr(s, 14, 8)::integer * 10, coalesce(r.multiplier, 100)
    from unnest(p_symbols) s
    left join ref.option_roots r on r.root = trim(left(s, 6))
    join ref.instruments u on u.symbol = coalesce(r.underlying, trim(left(s, 6))) and u.kind <> 'option'
    on conflict on constraint instruments_symbol_key do nothing;
  else
    insert into ref.instruments (kind, symbol)
    select distinct p_kind, s from unnest(p_symbols) s
    on conflict on constraint instruments_symbol_key do nothing;
  end if;
  return query
    select i.symbol, i.instrument_id from ref.instruments i where i.symbol = any (p_symbols);
end
$$;
comment on function ref.instrument_ids(text[], text) is
  'Ids of symbols (21-character OSI symbols when p_kind is option), made where they are new, underlyings included. Called once per symbol and cached.';
grant execute on function ref.instrument_ids(text[], text) to ingest_writer, job_runner;
