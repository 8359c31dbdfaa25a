-- The money of closed positions and nothing else, folded in one pass: panels add up years of it on every refresh.
create or replace view panel.trip_pl as
select
  f.run_id,
  f.position_id,
  min(f.ts)::date as session_date,
  min(f.ts) as ts_entry,
  max(f.ts) as ts_exit,
  -- Whole numbers far below 2^53: these sums are exact in any order.
  sum(f.qty * f.px_e4::double precision * case f.side when 'sell' then i.multiplier else -i.multiplier end) / 10000 as gross,
  sum(((f.commission + f.fees) * 10000)::integer) / 10000.0::double precision as fees,
  sum(f.qty * f.px_e4::double precision * case f.side when 'sell' then i.multiplier else -i.multiplier end) / 10000
    - sum(((f.commission + f.fees) * 10000)::integer) / 10000.0::double precision as net,
  sum(f.qty * f.px_e4::double precision * case f.side when 'sell' then i.multiplier else -i.multiplier end)
    - sum(((f.commission + f.fees) * 10000)::integer) as net_e4
from trade.fills f
join ref.instruments i on i.instrument_id = f.instrument_id
group by f.run_id, f.position_id
-- As a case, for the planner takes an equality of sums for something that hardly ever happens.
having case when sum(case f.side when 'buy' then f.qty else -f.qty end) = 0 then true else false end;
comment on view panel.trip_pl is
  'What each closed position made, in dollars: the figures of panel.round_trips without its details, for adding up many. Filter on run_id.';
comment on column panel.trip_pl.run_id is 'panel.runs: the run of the entry.';
comment on column panel.trip_pl.position_id is 'The entry decision.';
comment on column panel.trip_pl.session_date is 'Session of the entry.';
comment on column panel.trip_pl.ts_entry is 'First opening fill, Eastern.';
comment on column panel.trip_pl.ts_exit is 'Last closing fill, Eastern.';
comment on column panel.trip_pl.gross is 'Sales minus purchases, dollars.';
comment on column panel.trip_pl.fees is 'Commission and fees, dollars.';
comment on column panel.trip_pl.net is 'Gross minus fees, dollars.';
comment on column panel.trip_pl.net_e4 is 'Gross minus fees, 1/10,000 dollar: whole numbers, so that sums are the same in any order.';
grant select on panel.trip_pl to grafana_reader, job_runner, backup;
