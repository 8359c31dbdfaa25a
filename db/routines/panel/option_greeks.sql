-- What an option's price says of its volatility, and what follows from it. Computed for eyes, never for rules.
create or replace function panel.option_greeks(
  p_option_kind text, p_spot double precision, p_strike double precision, p_years double precision, p_price double precision
) returns table (iv double precision, delta double precision, gamma double precision, theta double precision, vega double precision)
language plpgsql immutable
as $$
declare
  v_root double precision := sqrt(greatest(p_years, 0));
  v_low double precision := 0.001;
  v_high double precision := 10;
  v_sigma double precision;
  v_d1 double precision;
  v_density double precision;
  v_call double precision;
  -- The call of the same strike: one formula serves both kinds.
  v_wanted double precision := p_price + case p_option_kind when 'put' then p_spot - p_strike else 0 end;
begin
  -- Below intrinsic value, or with no time left, no volatility explains the price.
  if p_years is null or p_years <= 0 or p_spot <= 0 or v_wanted is null or v_wanted <= greatest(p_spot - p_strike, 0)
    or v_wanted >= p_spot
  then
    return;
  end if;
  -- 40 halvings leave 1e-11 of the interval.
  for i in 1 .. 40 loop
    v_sigma := (v_low + v_high) / 2;
    v_d1 := ln(p_spot / p_strike) / (v_sigma * v_root) + 0.5 * v_sigma * v_root;
    v_call := p_spot * signal.normal_cdf(v_d1) - p_strike * signal.normal_cdf(v_d1 - v_sigma * v_root);
    if v_call < v_wanted then
      v_low := v_sigma;
    else
      v_high := v_sigma;
    end if;
  end loop;
  -- At a bound there is no answer, only where the search ended.
  if v_sigma > 9.99 or v_sigma < 0.0011 then
    return;
  end if;
  v_density := 0.3989422804014327 * exp(-least(0.5 * v_d1 * v_d1, 700));
  iv := v_sigma;
  delta := signal.normal_cdf(v_d1) - case p_option_kind when 'put' then 1 else 0 end;
  gamma := v_density / (p_spot * v_sigma * v_root);
  theta := -p_spot * v_density * v_sigma / (2 * v_root) / 365;
  vega := p_spot * v_density * v_root / 100;
  return next;
end
$$;
comment on function panel.option_greeks(text, double precision, double precision, double precision, double precision) is
  'Implied volatility of an option''s price (a fraction a year) and its greeks by Black-Scholes without rate and dividend: p_option_kind call or put, prices in '
  'dollars, p_years of 365 days to expiration. delta and gamma per dollar of the underlying, theta in dollars a day, vega in dollars per percentage point, all '
  'per share. No row where no volatility explains the price. For panels and analysts; rules do not use it.';
grant execute on function panel.option_greeks(text, double precision, double precision, double precision, double precision)
  to grafana_reader, job_runner, backup;
-- A function's functions run with the reader's rights: this one is mathematics and nothing else of schema signal can be called.
grant usage on schema signal to grafana_reader;
grant execute on function signal.normal_cdf(double precision) to grafana_reader, backup;
