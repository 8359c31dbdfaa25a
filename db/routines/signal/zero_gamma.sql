create or replace function signal.zero_gamma(p_snapshot_id bigint, p_reach double precision default 0.1, p_steps integer default 80)
returns double precision
language sql stable strict
as $$
  with chain as materialized (
    select c.option_kind, c.strike, c.t_years, c.open_interest * c.multiplier as size, coalesce(c.iv, c.vendor_iv) as iv
    from signal.chain_greeks(p_snapshot_id) c
    where coalesce(c.iv, c.vendor_iv) > 0 and c.open_interest > 0 and c.t_years > 0
  ), spot as (
    select s.underlying_px_e4 / 10000.0::double precision as px from market.chain_snapshots s where s.snapshot_id = p_snapshot_id
  ), profile as (
    select
      x.px,
      sum(
        case c.option_kind when 'call' then 1 else -1 end * c.size * x.px * x.px
          * (signal.bs_greeks(c.option_kind, x.px, c.strike, c.t_years, 0, 0, c.iv)).gamma
      ) as gex
    from spot
    cross join lateral (
      select spot.px * (1 + p_reach * (2.0 * n / p_steps - 1)) as px from generate_series(0, p_steps) as n
    ) x
    cross join chain c
    group by x.px
  ), steps as (
    select p.px, p.gex, lag(p.px) over (order by p.px) as px_before, lag(p.gex) over (order by p.px) as gex_before
    from profile p
  )
  -- Where the profile crosses zero, straight between two steps; of several crossings the one nearest to the spot.
  select z.px
  from (
    select s.px - s.gex * (s.px - s.px_before) / (s.gex - s.gex_before) as px
    from steps s
    where s.gex <> s.gex_before and (s.gex_before <= 0) <> (s.gex <= 0)
  ) z
  cross join spot
  order by abs(z.px - spot.px)
  limit 1
$$;
comment on function signal.zero_gamma(bigint, double precision, integer) is
  'The level of the underlying nearest to the spot at which the net gamma exposure of a chain snapshot changes its sign (profile method: every contract''s gamma '
  'recomputed at p_steps + 1 levels within p_reach of the spot, its volatility and time unchanged); null where it does not.';
grant execute on function signal.zero_gamma(bigint, double precision, integer) to job_runner, backup;
