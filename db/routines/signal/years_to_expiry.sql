create or replace function signal.years_to_expiry(p_root text, p_expiration date, p_at timestamp) returns double precision
language sql stable strict parallel safe
as $$
  -- Never nothing before the end: in the last minute a minute.
  select case
    when p_at < x.ts then greatest(date_part('epoch', ref.instant(x.ts) - ref.instant(p_at)) / 60, 1)
    else 0
  end / 525600
  from (select signal.ts_expiry(p_root, p_expiration) as ts) x
  where x.ts is not null
$$;
comment on function signal.years_to_expiry(text, date, timestamp) is
  'Time from p_at (Eastern) to signal.ts_expiry in years of 525,600 minutes, in real time across a change of clocks; at least a minute before expiry, 0 after '
  'it; null where there is no ts_expiry. For signal.bs_greeks and signal.implied_volatility.';
grant execute on function signal.years_to_expiry(text, date, timestamp) to ingest_writer, job_runner, backup;
