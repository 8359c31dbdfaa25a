-- What ref.legs_of says, for readers: one contract is a leg of itself.
create or replace view panel.legs as
select
  s.instrument_id,
  l.n::smallint as leg_no,
  abs(l.leg) as contract_id,
  sign(l.leg)::smallint as side,
  true as is_spread,
  (coalesce(t.tick_below_e4, 100) / 10000.0)::numeric(12, 4) as least_px
from ref.spreads s
join ref.instruments i on i.instrument_id = s.instrument_id
left join ref.option_roots t on t.root = i.root
cross join lateral unnest(s.legs) with ordinality as l (leg, n)
union all
select i.instrument_id, 1::smallint, i.instrument_id, -1::smallint, false, null
from ref.instruments i
where i.kind = 'option';
comment on view panel.legs is 'The contracts behind what is traded: those of a spread, or the contract itself. Filter on instrument_id.';
comment on column panel.legs.instrument_id is 'What is traded: the contract, or the spread.';
comment on column panel.legs.leg_no is '1, 2, …: selling a spread sells its first leg.';
comment on column panel.legs.contract_id is 'Id of the contract, for panel.option_quotes.';
comment on column panel.legs.side is 'What selling does: -1 sells the contract, 1 buys it.';
comment on column panel.legs.is_spread is 'False of a single contract.';
comment on column panel.legs.least_px is 'The least that closing a spread costs, dollars: one increment; null of a single contract.';
grant select on panel.legs to grafana_reader, job_runner, backup;
