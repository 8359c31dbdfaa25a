create or replace function signal.gamma_exposure(p_snapshot_id bigint)
returns table (expiration date, strike double precision, call_gex double precision, put_gex double precision, net_gex double precision)
language sql stable strict
as $$
  with exposed as (
    select
      c.expiration, c.strike, c.option_kind,
      -- A contract that no quote prices has the vendor's gamma, or none.
      coalesce(c.gamma, c.vendor_gamma) * c.open_interest * c.multiplier * spot.px * spot.px * 0.01 as gex
    from signal.chain_greeks(p_snapshot_id) c
    cross join (
      select s.underlying_px_e4 / 10000.0::double precision as px from market.chain_snapshots s where s.snapshot_id = p_snapshot_id
    ) spot
  )
  select
    e.expiration, e.strike,
    coalesce(sum(e.gex) filter (where e.option_kind = 'call'), 0),
    -coalesce(sum(e.gex) filter (where e.option_kind = 'put'), 0),
    coalesce(sum(case e.option_kind when 'call' then e.gex else -e.gex end), 0)
  from exposed e
  group by e.expiration, e.strike
  order by e.expiration, e.strike
$$;
comment on function signal.gamma_exposure(bigint) is
  'Gamma exposure of a chain snapshot by strike, dollars of delta per 1 % move of the underlying: gamma x open interest x multiplier x spot^2 x 0.01, calls '
  'positive and puts negative, as if dealers were long the calls and short the puts (an assumption). The sum of net_gex is the chain''s net GEX.';
grant execute on function signal.gamma_exposure(bigint) to ingest_writer, job_runner, backup;
