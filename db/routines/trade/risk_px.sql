create or replace function trade.risk_px(p_instrument_id integer) returns integer
language plpgsql stable strict
as $$
-- Not in SQL: that would be planned with every slice.
begin
  return (
    select case
      when s.instrument_id is null then i.strike_e4
      else (
        select max(l.strike_e4) - min(l.strike_e4) from ref.instruments l
        where l.instrument_id = any (array(select abs(x) from unnest(s.legs) x))
      )
    end
    from ref.instruments i
    left join ref.spreads s on s.instrument_id = i.instrument_id
    where i.instrument_id = p_instrument_id
  );
end
$$;
comment on function trade.risk_px(integer) is
  'What selling one share''s worth can cost at most, 1/10,000 dollar, as the capital gate counts it: the strike of a contract, the width of a vertical.';
grant execute on function trade.risk_px(integer) to job_runner;
