create or replace function signal.zero_gamma(p_snapshot_ids bigint[], p_reach double precision default 0.1, p_steps integer default 80)
returns double precision
language sql stable strict
as $$
  with chain as materialized (
    select c.option_kind, c.strike, c.t_years, c.open_interest * c.multiplier as size, coalesce(c.iv, c.vendor_iv) as iv
    from unnest(p_snapshot_ids) s (id)
    cross join lateral signal.chain_greeks(s.id) c
    where coalesce(c.iv, c.vendor_iv) > 0 and c.open_interest > 0 and c.t_years > 0
  ), spot as (
    select max(s.underlying_px_e4) / 10000.0::double precision as px
    from market.chain_snapshots s where s.snapshot_id = any (p_snapshot_ids)
  ), profile as (
    select
      x.px,
      -- signal.bs_greeks' gamma without rate and dividend, written out: a call for each of a hundred thousand takes seconds.
      sum(
        case c.option_kind when 'call' then 1 else -1 end * c.size * x.px
          * case when abs(d.d1) < 37 then exp(-0.5 * d.d1 * d.d1) else 0 end / (v.deviation * 2.5066282746310002)
      ) as gex
    from spot
    cross join lateral (
      select spot.px * (1 + p_reach * (2.0 * n / p_steps - 1)) as px from generate_series(0, p_steps) as n
    ) x
    cross join chain c
    cross join lateral (select c.iv * sqrt(c.t_years) as deviation offset 0) v
    cross join lateral (select ln(x.px / c.strike) / v.deviation + 0.5 * v.deviation as d1 offset 0) d
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
comment on function signal.zero_gamma(bigint[], double precision, integer) is
  'The level of the underlying nearest to the spot at which the net gamma exposure of chain snapshots of one instant, together, changes its sign (profile method: every contract''s gamma '
  'recomputed at p_steps + 1 levels within p_reach of the spot, its volatility and time unchanged); null where it does not.';
grant execute on function signal.zero_gamma(bigint[], double precision, integer) to ingest_writer, job_runner, backup;
