create or replace function trade.risk_px(p_instrument_id integer) returns integer
language sql stable strict
as $$
  select coalesce(i.strike_e4, (
    select max(l.strike_e4) - min(l.strike_e4)
    from ref.legs_of(p_instrument_id) x
    join ref.instruments l on l.instrument_id = x.instrument_id
  ))
  from ref.instruments i
  where i.instrument_id = p_instrument_id
$$;
comment on function trade.risk_px(integer) is
  'What selling one share''s worth can cost at most, 1/10,000 dollar, as the capital gate counts it: the strike of a contract, the width of a vertical.';
grant execute on function trade.risk_px(integer) to job_runner;
