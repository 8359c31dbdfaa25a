-- Contract terms to the 21-character OSI symbol; the twin of formatOsi in core/osi_symbol.ts.
create or replace function ref.osi_symbol(root text, expiration date, option_kind text, strike_e4 integer) returns text
language plpgsql immutable strict parallel safe
as $$
begin
  -- `is not true` also refuses an option kind that is neither.
  if (
    root ~ '^[A-Z][A-Z0-9.]{0,5}$'
    and option_kind in ('call', 'put')
    and strike_e4 > 0 and strike_e4 % 10 = 0 and strike_e4 < 1000000000
    and expiration >= date '2000-01-01' and expiration < date '2100-01-01'
  ) is not true then
    raise exception 'no OSI symbol holds the contract % % % % (strike in 1/10,000 dollar)',
      root, expiration, option_kind, strike_e4
      using errcode = 'invalid_parameter_value';
  end if;
  return rpad(root, 6) || to_char(expiration, 'YYMMDD') || case option_kind when 'call' then 'C' else 'P' end
    || lpad((strike_e4 / 10)::text, 8, '0');
end
$$;
comment on function ref.osi_symbol(text, date, text, integer) is
  'OSI symbol of a contract, e.g. ''QQQ   251219C00410000'': root padded to 6, YYMMDD, C or P, strike x 1000 in 8 digits. '
  'option_kind is call or put, strike_e4 in 1/10,000 dollar. Raises 22023 on terms that the form cannot hold.';
grant execute on function ref.osi_symbol(text, date, text, integer) to ingest_writer, job_runner;
