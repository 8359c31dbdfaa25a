create or replace function signal.listed_strikes(p_underlying_id integer, p_root text, p_session_date date)
returns table (strikes_e6 bigint[], call_ids integer[], put_ids integer[])
language sql stable
as $$
  select array_agg(s.strike_e4 * 100::bigint order by s.strike_e4), array_agg(s.call_id order by s.strike_e4),
    array_agg(s.put_id order by s.strike_e4)
  from (
    -- One scan: a join of calls and puts is planned before the first chain is known, and may then look at every pair of them.
    select
      c.strike_e4, max(c.instrument_id) filter (where c.option_kind = 'call') as call_id,
      max(c.instrument_id) filter (where c.option_kind = 'put') as put_id
    from ref.instruments c
    where c.underlying_id = p_underlying_id
      and c.root = p_root
      and c.kind = 'option'
      and c.expiration = (
        select min(i.expiration) from ref.instruments i
        where i.underlying_id = p_underlying_id and i.root = p_root and i.kind = 'option' and i.expiration >= p_session_date
      )
    group by c.strike_e4
  ) s
  where s.call_id is not null and s.put_id is not null
$$;
comment on function signal.listed_strikes(integer, text, date) is
  'Strikes of the nearest expiry of a session (0DTE where it exists) that have a call and a put, ascending in 1/1,000,000 dollar, with their contracts.';
grant execute on function signal.listed_strikes(integer, text, date) to job_runner;
