-- What the round trips of a session made: the definition of trade.closed_days, which is what readers take.
create or replace view trade.folded_days as
select
  d.run_id,
  d.session_date,
  (count(*) filter (where not d.is_entry))::integer as trades,
  (count(*) filter (where not d.is_entry and d.net_e4 > 0))::integer as wins,
  (sum(d.gross_e4) filter (where not d.is_entry))::bigint as gross_e4,
  (sum(d.net_e4) filter (where not d.is_entry))::bigint as net_e4,
  (sum(d.qty) filter (where not d.is_entry))::integer as contracts,
  max(d.high_e4 - d.net_so_far_e4)::bigint as max_drawdown_e4,
  (coalesce(sum(extract(epoch from d.ts_next - d.ts)) filter (where d.held > 0), 0) * 1000000)::bigint as in_market_us,
  max(d.bound_so_far_e4)::bigint as max_bound_e4
from (
  select
    r.*, greatest(max(r.net_so_far_e4) over (partition by r.run_id, r.session_date order by r.nth rows unbounded preceding), 0) as high_e4
  from (
    -- Every round trip is two instants: capital is bound at its entry, freed and settled at its exit. Whole numbers far below 2^53.
    select
      t.run_id, t.session_date, e.ts, e.is_entry, t.net_e4, t.gross_e4, t.qty,
      row_number() over in_time as nth,
      lead(e.ts) over (partition by t.run_id, t.session_date order by e.ts, e.is_entry, t.position_id) as ts_next,
      sum(case when e.is_entry then 1 else -1 end) over in_time as held,
      sum(case when e.is_entry then t.bound_e4 else -t.bound_e4 end::double precision) over in_time as bound_so_far_e4,
      sum(case when e.is_entry then 0 else t.net_e4 end::double precision) over in_time as net_so_far_e4
    from trade.round_trips t
    cross join lateral (values (t.ts_entry, true), (t.ts_exit, false)) as e (ts, is_entry)
    -- At one instant exits come first: a reversal frees its capital before it binds it again.
    window in_time as (
      partition by t.run_id, t.session_date order by e.ts, e.is_entry, t.position_id rows unbounded preceding
    )
  ) r
) d
group by d.run_id, d.session_date;
comment on view trade.folded_days is
  'Every session of a run that has round trips, with what they made of it: the columns of trade.closed_days. Filter on run_id and session_date; readers take '
  'panel.daily_pl.';
comment on column trade.folded_days.run_id is 'trade.runs.';
comment on column trade.folded_days.session_date is 'Session of the entries.';
comment on column trade.folded_days.trades is 'Round trips.';
comment on column trade.folded_days.wins is 'Round trips with a net above 0.';
comment on column trade.folded_days.gross_e4 is 'Sales minus purchases, 1/10,000 dollar.';
comment on column trade.folded_days.net_e4 is 'Gross minus commission and fees, 1/10,000 dollar.';
comment on column trade.folded_days.contracts is 'Contracts, or spreads, of the round trips, one way.';
comment on column trade.folded_days.max_drawdown_e4 is 'Largest fall of the running net from its high (at least 0), at closed round trips, 1/10,000 dollar.';
comment on column trade.folded_days.in_market_us is 'Microseconds with any position open; overlapping positions count once.';
comment on column trade.folded_days.max_bound_e4 is 'Most capital bound at once, 1/10,000 dollar.';
grant select on trade.folded_days to job_runner, backup;
