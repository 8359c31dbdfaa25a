-- Price and greeks of a European option by Black-Scholes-Merton.
create or replace function signal.bs_greeks(
  option_kind text,
  s double precision,
  k double precision,
  t_years double precision,
  r double precision,
  q double precision,
  sigma double precision,
  out delta double precision,
  out gamma double precision,
  out theta double precision,
  out vega double precision,
  out rho double precision,
  out vanna double precision,
  out charm double precision
)
language plpgsql immutable strict parallel safe
as $$
declare
  -- The call's formulas serve both kinds: +1 call, -1 put.
  v_sign double precision := case option_kind when 'call' then 1 when 'put' then -1 end;
  v_root double precision := sqrt(greatest(t_years, 0));
  v_deviation double precision := greatest(sigma, 0) * v_root;
  v_carry double precision := exp(-q * greatest(t_years, 0));
  v_discount double precision := exp(-r * greatest(t_years, 0));
  v_d1 double precision;
  v_d2 double precision;
  v_density double precision;
  v_cdf1 double precision;
  v_cdf2 double precision;
begin
  if v_sign is null then
    raise exception 'option_kind is call or put, not %', option_kind using errcode = 'invalid_parameter_value';
  end if;
  if v_deviation < 1e-10 then
    delta := case when v_sign * (s * v_carry - k * v_discount) > 0 then v_sign * v_carry else 0 end;
    gamma := 0;
    theta := 0;
    vega := 0;
    rho := 0;
    vanna := 0;
    charm := 0;
    return;
  end if;
  v_d1 := (ln(s / k) + (r - q) * t_years) / v_deviation + 0.5 * v_deviation;
  v_d2 := v_d1 - v_deviation;
  -- Further out it is below every number of ours, and exp() would raise an underflow.
  v_density := case when abs(v_d1) < 37 then v_carry * 0.3989422804014327 * exp(-0.5 * v_d1 * v_d1) else 0 end;
  v_cdf1 := signal.normal_cdf(v_sign * v_d1);
  v_cdf2 := signal.normal_cdf(v_sign * v_d2);
  delta := v_sign * v_carry * v_cdf1;
  gamma := v_density / (s * v_deviation);
  vega := s * v_density * v_root / 100;
  theta := (
    -s * v_density * sigma / (2 * v_root) - v_sign * r * k * v_discount * v_cdf2 + v_sign * q * s * v_carry * v_cdf1
  ) / 365;
  rho := v_sign * k * t_years * v_discount * v_cdf2 / 100;
  vanna := -v_density * v_d2 / sigma / 100;
  charm := (
    v_sign * q * v_carry * v_cdf1 - v_density * (2 * (r - q) * t_years - v_d2 * v_deviation) / (2 * t_years * v_deviation)
  ) / 365;
end
$$;
comment on function signal.bs_greeks(
  text, double precision, double precision, double precision, double precision, double precision, double precision
) is
  'Greeks of a European call or put by Black-Scholes-Merton, of the arguments of signal.bs_price, per share: delta; gamma per unit of s; theta per calendar day; '
  'vega, rho and vanna (change of delta) per percentage point; charm (change of delta) per calendar day. Without time or volatility left delta is that of '
  'exercise and the others are 0.';
grant execute on function signal.bs_greeks(
  text, double precision, double precision, double precision, double precision, double precision, double precision
) to ingest_writer, job_runner, grafana_reader, backup;
