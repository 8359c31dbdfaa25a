create or replace function signal.chain_greeks(p_snapshot_id bigint, p_rate double precision default 0, p_dividend double precision default 0)
returns table (
  instrument_id integer, expiration date, option_kind text, strike double precision, multiplier integer, t_years double precision,
  mid double precision, iv double precision, delta double precision, gamma double precision, theta double precision, vega double precision,
  vendor_iv double precision, vendor_delta double precision, vendor_gamma double precision, open_interest bigint, volume bigint
)
language sql stable
as $$
  with quoted as (
    select
      o.*, i.expiration, i.option_kind, i.multiplier, i.strike_e4 / 10000.0::double precision as strike,
      s.underlying_px_e4 / 10000.0::double precision as spot,
      signal.years_to_expiry(i.root, i.expiration, coalesce(o.ts_quote, s.ts_event)) as t_years,
      -- Nobody's price is no price, and a crossed quote is none either.
      case when o.bid_px_e4 > 0 and o.ask_px_e4 >= o.bid_px_e4 then (o.bid_px_e4 + o.ask_px_e4) / 20000.0::double precision end as mid
    from market.chain_snapshots s
    join market.option_snapshots o on o.snapshot_id = s.snapshot_id
    join ref.instruments i on i.instrument_id = o.instrument_id
    where s.snapshot_id = p_snapshot_id
  ), solved as (
    select
      q.*, signal.implied_volatility(q.option_kind, q.mid, q.spot, q.strike, q.t_years, p_rate, p_dividend) as iv
    from quoted q
  )
  select
    v.instrument_id, v.expiration, v.option_kind, v.strike, v.multiplier, v.t_years, v.mid, v.iv, g.delta, g.gamma, g.theta, g.vega,
    v.implied_volatility, v.delta, v.gamma, v.open_interest, v.volume
  from solved v
  left join lateral signal.bs_greeks(v.option_kind, v.spot, v.strike, v.t_years, p_rate, p_dividend, v.iv) g on v.iv is not null
  order by v.expiration, v.strike, v.option_kind
$$;
comment on function signal.chain_greeks(bigint, double precision, double precision) is
  'Implied volatility of the middle of every quote of a chain snapshot and its greeks (signal.bs_greeks; p_rate and p_dividend continuous, a fraction a year), '
  'with the vendor''s beside. Time counts from the quote''s own time where it has one. Null where a contract has no two-sided quote or no volatility explains it.';
grant execute on function signal.chain_greeks(bigint, double precision, double precision) to ingest_writer, job_runner, backup;
