-- The volatility at which Black-Scholes-Merton gives an option's price.
create or replace function signal.implied_volatility(
  option_kind text,
  price double precision,
  s double precision,
  k double precision,
  t_years double precision,
  r double precision,
  q double precision
) returns double precision
language plpgsql immutable strict parallel safe
as $$
declare
  v_root double precision := sqrt(greatest(t_years, 0));
  v_forward double precision;
  v_near double precision;
  v_far double precision;
  v_distance double precision;
  v_wanted double precision;
  v_low double precision := 1e-6;
  v_high double precision;
  v double precision;
  v_step double precision;
  v_price double precision;
  y double precision;
begin
  if option_kind not in ('call', 'put') then
    raise exception 'option_kind is call or put, not %', option_kind using errcode = 'invalid_parameter_value';
  end if;
  if t_years <= 0 or s <= 0 or k <= 0 or price <= 0 then
    return null;
  end if;
  v_forward := s * exp((r - q) * t_years);
  -- Only the time value tells: in the money it is that of the other kind at the same strike.
  v_wanted := price * exp(r * t_years) - greatest(case option_kind when 'call' then v_forward - k else k - v_forward end, 0);
  -- Out of the money a call and a put have one formula, in the nearer of forward and strike and the further one.
  v_near := least(v_forward, k);
  v_far := greatest(v_forward, k);
  v_distance := ln(v_far / v_near);
  -- What is left below is rounding; at the bound above the volatility is infinite.
  if v_wanted <= 1e-12 * v_near or v_wanted >= v_near then
    return null;
  end if;
  v_high := 10 * v_root;
  -- The point of inflection, from where Newton's steps do not overshoot.
  v := least(greatest(sqrt(2 * v_distance), v_wanted / (0.4 * v_near), v_low), v_high);
  for i in 1 .. 100 loop
    y := 0.5 * v - v_distance / v;
    v_price := v_near * signal.normal_cdf(y) - v_far * signal.normal_cdf(y - v);
    if v_price < v_wanted then
      v_low := v;
    else
      v_high := v;
    end if;
    -- Newton on the logarithm of the price: far out of the money the price itself is flat.
    v_step := null;
    if v_price > 1e-300 and abs(y) < 37 then
      v_step := ln(v_price / v_wanted) * v_price / (v_near * 0.3989422804014327 * exp(-0.5 * y * y));
    end if;
    if abs(v_step) <= 1e-12 * v then
      v := v - v_step;
      exit;
    end if;
    if v_step is null or v - v_step <= v_low or v - v_step >= v_high then
      v := 0.5 * (v_low + v_high);
    else
      v := v - v_step;
    end if;
    exit when v_high - v_low <= 1e-12 * v_high;
  end loop;
  v := v / v_root;
  -- At a bound there is no answer, only where the search ended.
  return case when v between 0.001 and 9.99 then v end;
end
$$;
comment on function signal.implied_volatility(
  text, double precision, double precision, double precision, double precision, double precision, double precision
) is
  'Implied volatility per year of a European call or put by Black-Scholes-Merton: its price, spot s and strike k in one unit, years to expiration t_years, '
  'continuous rate r and dividend yield q per year. Null where no volatility of 0.001 to 9.99 explains the price: below intrinsic value, or no time left. '
  'Relative error below 1e-8 where the time value is above 1e-4. Newton on the logarithm of the undiscounted price within a bracket; the seed is the point of '
  'inflection of S. Manaster and G. Koehler (1982).';
grant execute on function signal.implied_volatility(
  text, double precision, double precision, double precision, double precision, double precision, double precision
) to ingest_writer, job_runner, grafana_reader, backup;
