create or replace function trade.store_days(p_run_id bigint, p_before date) returns void
language sql volatile
as $$
  -- Each side once, whatever is known of the tables: side by side they may be folded anew for every session.
  with folded as materialized (
    select d.* from trade.folded_days d where d.run_id = p_run_id and d.session_date < p_before
  ), counted as materialized (
    select t.session_date, count(*)::integer as trip_rows from trade.closed_trips t
    where t.run_id = p_run_id and t.session_date < p_before
    group by t.session_date
  )
  insert into trade.closed_days (
    run_id, session_date, trip_rows, trades, wins, gross_e4, net_e4, contracts, max_drawdown_e4, in_market_us, max_bound_e4
  )
  select
    d.run_id, d.session_date, n.trip_rows, d.trades, d.wins, d.gross_e4, d.net_e4, d.contracts, d.max_drawdown_e4, d.in_market_us,
    d.max_bound_e4
  from folded d
  join counted n using (session_date)
  on conflict on constraint closed_days_pk do nothing
$$;
comment on function trade.store_days(bigint, date) is
  'Keeps what the sessions of a run before p_before have made, as it stands: called when a run ends, and by a live run when a day begins.';
grant execute on function trade.store_days(bigint, date) to job_runner;

-- Runs that ended before there were days: none is stored yet.
select trade.store_days(r.run_id, 'infinity')
from trade.runs r
where r.ts_ended is not null and not exists (select from trade.closed_days);
