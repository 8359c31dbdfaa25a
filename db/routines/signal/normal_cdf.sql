-- Standard normal distribution function; PostgreSQL has no erf before 16.
create or replace function signal.normal_cdf(x double precision) returns double precision
language plpgsql immutable strict parallel safe
as $$
declare
  y double precision := abs(x);
  v_tail double precision;
begin
  -- PostgreSQL raises an error where a product or exp() underflows.
  if y < 1e-30 then
    return 0.5;
  elsif y < 7.071067811865475 then
    v_tail := exp(-0.5 * y * y) * (
      (((((0.03526249659989109 * y + 0.7003830644436881) * y + 6.373962203531650) * y
        + 33.91286607838300) * y + 112.0792914978709) * y + 221.2135961699311) * y + 220.2068679123761
    ) / (
      ((((((0.08838834764831844 * y + 1.755667163182642) * y + 16.06417757920695) * y
        + 86.78073220294608) * y + 296.5642487796737) * y + 637.3336333788311) * y
        + 793.8265125199484) * y + 440.4137358247522
    );
  elsif y < 37 then
    v_tail := 0.3989422804014327 * exp(-0.5 * y * y) / (y + 1 / (y + 2 / (y + 3 / (y + 4 / (y + 0.65)))));
  else
    -- NaN sorts above every number, hence ends here too.
    v_tail := case when y = 'NaN' then y else 0 end;
  end if;
  return case when x > 0 then 1 - v_tail else v_tail end;
end
$$;
comment on function signal.normal_cdf(double precision) is
  'Probability that a standard normal variable is at most x. Absolute error below 1e-15; the lower tail keeps eight significant digits '
  'to x = -37 and is 0 below. Source: algorithm 5666 of J. F. Hart et al., Computer Approximations (Wiley, 1968), with a continued '
  'fraction in the tail, as in G. West, Better approximations to cumulative normal functions, Wilmott (2005).';
grant execute on function signal.normal_cdf(double precision) to ingest_writer, job_runner;
