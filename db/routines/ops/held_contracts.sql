create or replace view ops.held_contracts as
select distinct i.symbol, u.symbol as underlying, i.expiration
from trade.position_slots s
join trade.decisions d on d.decision_id = s.position_id
cross join lateral ref.legs_of(d.instrument_id) l
join ref.instruments i on i.instrument_id = l.instrument_id
join ref.instruments u on u.instrument_id = i.underlying_id;
comment on view ops.held_contracts is
  'Contracts of positions and entry orders that are not closed, of spreads the legs, on any account: their quotes stay subscribed until the trade is closed.';
grant select on ops.held_contracts to ingest_writer, job_runner;
comment on column ops.held_contracts.symbol is 'OSI symbol.';
comment on column ops.held_contracts.underlying is 'Symbol of the underlying.';
comment on column ops.held_contracts.expiration is 'Expiration date.';
