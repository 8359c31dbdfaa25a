-- The output of the whole platform: profit and loss by day, strategy and run, from executions.
create or replace view panel.daily_pl as
with edges as (
  -- Every round trip is two instants: capital is bound at its entry, freed and settled at its exit.
  select
    t.run_id, t.session_date, e.ts, e.is_entry, t.position_id, e.bound, e.settled,
    t.gross, t.fees, t.net, t.qty
  from panel.round_trips t
  cross join lateral (
    values (t.ts_entry, true, t.notional, 0), (t.ts_exit, false, -t.notional, t.net)
  ) as e (ts, is_entry, bound, settled)
), running as (
  select
    e.*,
    sum(e.bound) over in_time as notional,
    sum(e.settled) over in_time as net_so_far,
    lead(e.ts) over (partition by e.run_id, e.session_date order by e.ts, e.is_entry, e.position_id) as ts_next
  from edges e
  -- At one instant exits come first: a reversal frees its capital before it binds it again.
  window in_time as (
    partition by e.run_id, e.session_date order by e.ts, e.is_entry, e.position_id rows unbounded preceding
  )
), drawn as (
  select
    r.*,
    greatest(
      max(r.net_so_far) over (
        partition by r.run_id, r.session_date order by r.ts, r.is_entry, r.position_id rows unbounded preceding
      ), 0
    ) - r.net_so_far as drawdown
  from running r
), traded as (
  select
    d.run_id,
    d.session_date,
    count(*) filter (where not d.is_entry) as trades,
    count(*) filter (where not d.is_entry and d.net > 0) as wins,
    sum(d.gross) filter (where not d.is_entry) as gross,
    sum(d.fees) filter (where not d.is_entry) as fees,
    sum(d.net) filter (where not d.is_entry) as net,
    sum(d.qty) filter (where not d.is_entry) as contracts,
    max(d.drawdown) as max_drawdown,
    sum(extract(epoch from d.ts_next - d.ts)) filter (where d.notional > 0) / 60 as minutes_in_market,
    max(d.notional) as max_notional
  from drawn d
  group by d.run_id, d.session_date
)
select
  s.session_date,
  r.strategy,
  r.run_id,
  coalesce(t.trades, 0)::integer as trades,
  coalesce(t.wins, 0)::integer as wins,
  coalesce(t.gross, 0)::numeric(16, 2) as gross,
  coalesce(t.fees, 0)::numeric(16, 4) as fees,
  coalesce(t.net, 0)::numeric(16, 4) as net,
  coalesce(t.max_drawdown, 0)::numeric(16, 4) as max_drawdown,
  coalesce(t.minutes_in_market, 0)::numeric(12, 2) as minutes_in_market,
  coalesce(t.max_notional, 0)::numeric(16, 2) as max_notional,
  coalesce(t.contracts, 0)::integer as contracts,
  r.mode,
  r.quote_source,
  exists (
    select from signal.periods p
    where p.run_id = r.run_id and p.instrument_id = r.instrument_id and p.ts > s.ts_open and p.ts <= s.ts_close
      and p.revision = 0 and p.vwap_is_typical
  ) as vwap_is_typical
from trade.runs r
cross join lateral (select max(x.ts_to) as ts_advanced from trade.slices x where x.run_id = r.run_id) as done
join ref.sessions s on s.ts_open < done.ts_advanced and s.ts_close > r.ts_from
left join traded t on t.run_id = r.run_id and t.session_date = s.session_date;
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
