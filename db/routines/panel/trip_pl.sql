-- The money of closed positions and nothing else: panels add up years of it on every refresh.
create or replace view panel.trip_pl as
select
  t.run_id,
  t.position_id,
  t.session_date,
  t.ts_entry,
  t.ts_exit,
  -- Whole numbers far below 2^53: these sums are exact in any order.
  t.gross_e4::double precision / 10000 as gross,
  (t.gross_e4 - t.net_e4)::double precision / 10000 as fees,
  t.net_e4::double precision / 10000 as net,
  t.net_e4::double precision as net_e4
from trade.round_trips t;
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
