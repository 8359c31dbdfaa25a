-- Pages read what closed positions made: adding up a year of fills on every refresh took most of their time.
-- Trips of fills that are stored already are appended where their routine is deployed, by the very same fold: trade.store_trips.
create table trade.closed_trips (
  position_id bigint not null,
  revision smallint not null,
  run_id bigint not null,
  is_flat boolean not null,
  session_date date not null,
  instrument_id integer not null,
  legs smallint not null,
  qty integer not null,
  ts_entry timestamp not null,
  ts_exit timestamp not null,
  opened_notional_e4 bigint not null,
  closed_notional_e4 bigint not null,
  bound_e4 bigint,
  gross_e4 bigint not null,
  net_e4 bigint not null,
  constraint closed_trips_pk primary key (position_id, revision)
);
create index closed_trips_run_idx on trade.closed_trips (run_id, session_date);
-- What has been corrected is looked for with every trip, and is rare.
create index closed_trips_revised_idx on trade.closed_trips (position_id, revision) where revision > 0;
comment on table trade.closed_trips is
  'Positions that became flat, with what they made: the fold of their fills (trade.folded_trips), stored in the transaction of the closing fill. A fill after '
  'that appends a further revision, and the last one counts (trade.round_trips). Facts, append-only. Written by the trigger of trade.fills.';
comment on column trade.closed_trips.position_id is 'The entry decision.';
comment on column trade.closed_trips.revision is '0, 1, …: the last one counts.';
comment on column trade.closed_trips.run_id is 'trade.runs: the run of the entry; a later run of the account may have closed it.';
comment on column trade.closed_trips.is_flat is 'False where a fill that came later has opened it again.';
comment on column trade.closed_trips.session_date is 'Session of the entry.';
comment on column trade.closed_trips.instrument_id is 'What was traded: the contract, or the spread.';
comment on column trade.closed_trips.legs is 'Number of its contracts: 1, or those of a spread.';
comment on column trade.closed_trips.qty is 'Contracts, or spreads, that were opened.';
comment on column trade.closed_trips.ts_entry is 'First opening fill, Eastern.';
comment on column trade.closed_trips.ts_exit is 'Last fill, Eastern.';
comment on column trade.closed_trips.opened_notional_e4 is
  'Sum of quantity x price of the opening fills, 1/10,000 dollar; of a spread sales minus purchases: the credit, below 0 a debit.';
comment on column trade.closed_trips.closed_notional_e4 is
  'Sum of quantity x price of the closing fills, 1/10,000 dollar; of a spread purchases minus sales: what closing cost.';
comment on column trade.closed_trips.bound_e4 is
  'The capital that it binds, 1/10,000 dollar: strike x multiplier x contracts; of a spread the distance of its strikes x multiplier x spreads.';
comment on column trade.closed_trips.gross_e4 is 'Sales minus purchases, 1/10,000 dollar.';
comment on column trade.closed_trips.net_e4 is 'Gross minus commission and fees, 1/10,000 dollar.';

select engine.make_append_only('trade.closed_trips'::regclass);
grant select on trade.closed_trips to job_runner, backup;
grant insert on trade.closed_trips to job_runner;
