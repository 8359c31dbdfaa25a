-- OSI symbol to contract terms; the twin of parseOsi in core/osi_symbol.ts.
create or replace function ref.parse_osi(
  osi_symbol text,
  out root text,
  out expiration date,
  out option_kind text,
  out strike_e4 integer
)
language plpgsql immutable strict parallel safe
as $$
declare
  v_bare text := regexp_replace(osi_symbol, '^O:', '');
  -- The last 15 characters are fixed, so a root that ends in a digit stays whole.
  v_parts text[] := regexp_match(v_bare, '^([A-Z][A-Z0-9.]{0,5}) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})$');
  v_month_start date;
begin
  if v_parts is null or length(v_bare) > 21 or v_parts[6] = '00000000' then
    return;
  end if;
  if v_parts[3] = '00' or v_parts[3]::integer > 12 then
    return;
  end if;
  v_month_start := make_date(2000 + v_parts[2]::integer, v_parts[3]::integer, 1);
  if v_parts[4] = '00' or v_parts[4]::integer > (v_month_start + interval '1 month')::date - v_month_start then
    return;
  end if;
  root := v_parts[1];
  expiration := v_month_start + v_parts[4]::integer - 1;
  option_kind := case v_parts[5] when 'C' then 'call' else 'put' end;
  strike_e4 := v_parts[6]::integer * 10;
end
$$;
comment on function ref.parse_osi(text) is
  'Terms of an OSI symbol, also without padding or in Massive''s spelling (O:QQQ251219C00410000); one row of nulls for anything else.';
grant execute on function ref.parse_osi(text) to ingest_writer, job_runner;
