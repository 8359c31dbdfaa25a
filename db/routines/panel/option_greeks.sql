-- What an option's price says of its volatility, and what follows from it, without rate and dividend.
create or replace function panel.option_greeks(
  p_option_kind text, p_spot double precision, p_strike double precision, p_years double precision, p_price double precision
) returns table (iv double precision, delta double precision, gamma double precision, theta double precision, vega double precision)
language sql immutable
as $$
  select v.iv, g.delta, g.gamma, g.theta, g.vega
  from (select signal.implied_volatility(p_option_kind, p_price, p_spot, p_strike, p_years, 0, 0) as iv) v
  cross join lateral signal.bs_greeks(p_option_kind, p_spot, p_strike, p_years, 0, 0, v.iv) g
  where v.iv is not null
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
