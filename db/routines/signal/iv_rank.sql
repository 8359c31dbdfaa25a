create or replace function signal.iv_rank(p_history double precision[], p_now double precision, out rank double precision, out percentile double precision)
language sql immutable strict parallel safe
as $$
  select
    (p_now - min(h.iv)) / nullif(max(h.iv) - min(h.iv), 0) * 100,
    100.0 * count(*) filter (where h.iv < p_now) / nullif(count(*), 0)
  from unnest(p_history) as h (iv)
  where h.iv is not null
$$;
comment on function signal.iv_rank(double precision[], double precision) is
  'Where an implied volatility stands in its history (one value a session, today''s not among them; usually 252): rank = distance from the lowest in percent of '
  'the range, null where all are equal; percentile = percent of the sessions strictly below.';
grant execute on function signal.iv_rank(double precision[], double precision) to job_runner, backup;
