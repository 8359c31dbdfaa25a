-- The smile of docs/quote-model.md.
create or replace function market.model_volatility(
  p_spot double precision,
  p_strike double precision,
  p_t_years double precision,
  p_sigma_atm double precision,
  p_skew double precision,
  p_smile double precision
) returns double precision
language plpgsql immutable strict parallel safe
as $$
declare
  v_deviations double precision;
begin
  if p_t_years <= 0 then
    return p_sigma_atm;
  end if;
  v_deviations := ln(p_strike / p_spot) / (p_sigma_atm * sqrt(p_t_years));
  v_deviations := greatest(least(v_deviations, 3), -3);
  return p_sigma_atm * (1 - p_skew * v_deviations + p_smile * v_deviations * v_deviations);
end
$$;
comment on function market.model_volatility(
  double precision, double precision, double precision, double precision, double precision, double precision
) is
  'Volatility per year of a strike: at-the-money volatility times 1 - skew z + smile z^2, z = ln(strike / spot) in standard '
  'deviations, clipped to three. Source: docs/quote-model.md.';
grant execute on function market.model_volatility(
  double precision, double precision, double precision, double precision, double precision, double precision
) to job_runner, ingest_writer;
