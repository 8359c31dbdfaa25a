-- The output of the whole platform: profit and loss by day, strategy and run, from executions.
create or replace view panel.daily_pl as
select
  s.session_date,
  r.strategy,
  r.run_id,
  coalesce(d.trades, 0)::integer as trades,
  coalesce(d.wins, 0)::integer as wins,
  coalesce(d.gross_e4 / 10000.0, 0)::numeric(16, 2) as gross,
  coalesce((d.gross_e4 - d.net_e4) / 10000.0, 0)::numeric(16, 4) as fees,
  coalesce(d.net_e4 / 10000.0, 0)::numeric(16, 4) as net,
  coalesce(d.max_drawdown_e4 / 10000.0, 0)::numeric(16, 4) as max_drawdown,
  coalesce(d.in_market_us / 60000000.0, 0)::numeric(12, 2) as minutes_in_market,
  coalesce(d.max_bound_e4 / 10000.0, 0)::numeric(16, 2) as max_notional,
  coalesce(d.contracts, 0)::integer as contracts,
  r.mode,
  r.quote_source,
  exists (
    select from signal.periods p
    where p.run_id = r.run_id and p.ts > s.ts_open and p.ts <= s.ts_close and p.revision = 0 and p.vwap_is_typical
  ) as vwap_is_typical
from trade.runs r
cross join lateral (select max(x.ts_to) as ts_advanced from trade.slices x where x.run_id = r.run_id) as done
join ref.sessions s on s.ts_open < done.ts_advanced and s.ts_close > r.ts_from
left join (
  select n.run_id, n.session_date, x.*
  from (
    select t.run_id, t.session_date, count(*) as trip_rows from trade.closed_trips t group by t.run_id, t.session_date
  ) n
  left join trade.closed_days c on c.run_id = n.run_id and c.session_date = n.session_date and c.trip_rows = n.trip_rows
  cross join lateral (
    select c.trades, c.wins, c.gross_e4, c.net_e4, c.contracts, c.max_drawdown_e4, c.in_market_us, c.max_bound_e4
    where c.run_id is not null
    union all
    select f.trades, f.wins, f.gross_e4, f.net_e4, f.contracts, f.max_drawdown_e4, f.in_market_us, f.max_bound_e4
    from trade.folded_days f
    where c.run_id is null and f.run_id = n.run_id and f.session_date = n.session_date
  ) x
) d on d.run_id = r.run_id and d.session_date = s.session_date;
comment on view panel.daily_pl is
  'Daily profit and loss by strategy and run, aggregated from executions: one row for every session that the run has reached, also without a trade. '
  'Closed round trips only, in the session of their entry; what is open stands in panel.open_positions.';
comment on column panel.daily_pl.session_date is 'The session.';
comment on column panel.daily_pl.strategy is 'Strategy.';
comment on column panel.daily_pl.run_id is 'panel.runs.';
comment on column panel.daily_pl.trades is 'Round trips.';
comment on column panel.daily_pl.wins is 'Round trips with a net above 0.';
comment on column panel.daily_pl.gross is 'Sales minus purchases, dollars.';
comment on column panel.daily_pl.fees is 'Commissions and fees, dollars.';
comment on column panel.daily_pl.net is 'Gross minus fees, dollars.';
comment on column panel.daily_pl.max_drawdown is 'Largest fall of the session''s running net from its high (at least 0), at closed round trips, dollars.';
comment on column panel.daily_pl.minutes_in_market is 'Minutes with any position open; overlapping positions count once.';
comment on column panel.daily_pl.max_notional is 'Largest strike x multiplier x contracts open at once, dollars.';
comment on column panel.daily_pl.contracts is 'Contracts of the round trips, one way.';
comment on column panel.daily_pl.mode is 'live, replay or backtest.';
comment on column panel.daily_pl.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.daily_pl.vwap_is_typical is 'True where a bar without a VWAP, for which its typical price stands in, is under the session''s periods.';
grant select on panel.daily_pl to grafana_reader, job_runner, backup;
