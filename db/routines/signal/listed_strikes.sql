create or replace function signal.listed_strikes(p_underlying_id integer, p_root text, p_session_date date)
returns table (strikes_e6 bigint[], call_ids integer[], put_ids integer[])
language sql stable
as $$
  select array_agg(c.strike_e4 * 100::bigint order by c.strike_e4), array_agg(c.instrument_id order by c.strike_e4),
    array_agg(p.instrument_id order by c.strike_e4)
  from ref.instruments c
  join ref.instruments p
    on p.underlying_id = c.underlying_id and p.root = c.root and p.expiration = c.expiration and p.strike_e4 = c.strike_e4
    and p.option_kind = 'put'
  where c.underlying_id = p_underlying_id
    and c.root = p_root
    and c.option_kind = 'call'
    and c.kind = 'option'
    and p.kind = 'option'
    and c.expiration = (
      select min(i.expiration) from ref.instruments i
      where i.underlying_id = p_underlying_id and i.root = p_root and i.kind = 'option' and i.expiration >= p_session_date
    )
$$;
comment on function signal.listed_strikes(integer, text, date) is
  'Strikes of the nearest expiry of a session (0DTE where it exists) that have a call and a put, ascending in 1/1,000,000 dollar, with their contracts.';
grant execute on function signal.listed_strikes(integer, text, date) to job_runner;
