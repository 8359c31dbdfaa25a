create or replace view panel.run_results as
select
  r.run_id,
  r.strategy,
  s.trades::integer as trades,
  s.wins::integer as wins,
  (s.wins::numeric / nullif(s.trades, 0))::numeric(6, 4) as win_rate,
  (coalesce(s.gross_e4, 0) / 10000)::numeric(16, 2) as gross,
  (coalesce(s.gross_e4 - s.net_e4, 0) / 10000)::numeric(16, 4) as fees,
  (coalesce(s.net_e4, 0) / 10000)::numeric(16, 4) as net,
  (s.won_e4 / s.lost_e4)::numeric(12, 4) as profit_factor,
  (coalesce(s.drawdown_e4, 0) / 10000)::numeric(16, 4) as max_drawdown,
  r.mode,
  r.quote_source
from trade.runs r
-- Run by run, however many are asked for: the trips of all others are not touched.
cross join lateral (
  select
    count(*) as trades,
    count(*) filter (where d.net_e4 > 0) as wins,
    sum(d.gross_e4) as gross_e4,
    sum(d.net_e4) as net_e4,
    sum(d.net_e4) filter (where d.net_e4 > 0) as won_e4,
    sum(-d.net_e4) filter (where d.net_e4 < 0) as lost_e4,
    max(d.drawdown_e4) as drawdown_e4
  from (
    select
      n.gross_e4, n.net_e4,
      greatest(max(n.net_so_far_e4) over (order by n.ts_exit, n.position_id rows unbounded preceding), 0) - n.net_so_far_e4 as drawdown_e4
    from (
      select
        t.position_id, t.ts_exit, t.gross_e4, t.net_e4,
        sum(t.net_e4) over (order by t.ts_exit, t.position_id rows unbounded preceding) as net_so_far_e4
      from trade.round_trips t
      where t.run_id = r.run_id
    ) n
  ) d
) s;
comment on view panel.run_results is 'What each run has come to, from its closed round trips: for comparing many. Filter on run_id.';
comment on column panel.run_results.run_id is 'panel.runs.';
comment on column panel.run_results.strategy is 'Strategy.';
comment on column panel.run_results.trades is 'Round trips.';
comment on column panel.run_results.wins is 'Round trips with a net above 0.';
comment on column panel.run_results.win_rate is 'Their share; null without a trade.';
comment on column panel.run_results.gross is 'Sales minus purchases, dollars.';
comment on column panel.run_results.fees is 'Commissions and fees, dollars.';
comment on column panel.run_results.net is 'Gross minus fees, dollars.';
comment on column panel.run_results.profit_factor is 'Net of the winners over that of the losers; null where nothing was lost, or nothing won.';
comment on column panel.run_results.max_drawdown is
  'Largest fall of the running net from its high (at least 0) over the whole run, at closed round trips, dollars.';
comment on column panel.run_results.mode is 'live, replay or backtest.';
comment on column panel.run_results.quote_source is 'recorded, modelled, simulated or marks: what the option quotes are.';
grant select on panel.run_results to grafana_reader, job_runner, backup;
