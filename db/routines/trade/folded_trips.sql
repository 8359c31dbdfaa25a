-- What each position made, as its fills have it: the definition of trade.closed_trips, which is what readers take.
create or replace view trade.folded_trips as
select
  t.position_id,
  t.run_id,
  coalesce(l.is_flat, t.qty = 0) as is_flat,
  t.ts_entry::date as session_date,
  i.instrument_id,
  coalesce(l.legs, 1)::smallint as legs,
  coalesce(l.opened_qty, t.opened_qty)::integer as qty,
  t.ts_entry,
  t.ts_exit,
  -- One leg has prices, whichever its side; several have a credit and what closing it costs.
  (case when l.legs is null then abs(t.credit_e4) else t.credit_e4 end)::bigint as opened_notional_e4,
  (case when l.legs is null then abs(t.debit_e4) else t.debit_e4 end)::bigint as closed_notional_e4,
  coalesce(l.width_e4, i.strike_e4)::bigint * i.multiplier * coalesce(l.opened_qty, t.opened_qty) as bound_e4,
  ((t.credit_e4 - t.debit_e4) * i.multiplier)::bigint as gross_e4,
  ((t.credit_e4 - t.debit_e4) * i.multiplier)::bigint - t.cost_e4 as net_e4
from (
  select
    f.position_id,
    min(f.run_id) as run_id,
    min(f.instrument_id) as first_id,
    max(f.instrument_id) as last_id,
    sum(case f.side when 'buy' then f.qty else -f.qty end) as qty,
    sum(f.qty) filter (where f.effect = 'open') as opened_qty,
    min(f.ts) filter (where f.effect = 'open') as ts_entry,
    max(f.ts) as ts_exit,
    -- Whole numbers far below 2^53: these sums are exact in any order, and cheaper than those of bigint.
    coalesce(sum(case f.side when 'sell' then f.qty else -f.qty end * f.px_e4::double precision) filter (where f.effect = 'open'), 0)
      as credit_e4,
    coalesce(sum(case f.side when 'buy' then f.qty else -f.qty end * f.px_e4::double precision) filter (where f.effect = 'close'), 0)
      as debit_e4,
    sum(((f.commission + f.fees) * 10000)::integer) as cost_e4
  from trade.fills f
  group by f.position_id
) t
-- Several legs are looked at one by one: an open vertical has sold as many contracts as it has bought. They share their multiplier.
left join lateral (
  select
    bool_and(p.qty = 0) as is_flat,
    coalesce(
      (select d.instrument_id from trade.decisions d where d.decision_id = t.position_id), (min(array[p.leg_no::integer, p.instrument_id]))[2]
    ) as instrument_id,
    count(*) as legs,
    max(p.opened_qty) as opened_qty,
    greatest(
      max(o.strike_e4) filter (where o.option_kind = 'put') - min(o.strike_e4) filter (where o.option_kind = 'put'),
      max(o.strike_e4) filter (where o.option_kind = 'call') - min(o.strike_e4) filter (where o.option_kind = 'call')
    ) as width_e4
  from trade.positions p
  join ref.instruments o on o.instrument_id = p.instrument_id
  where p.position_id = t.position_id and t.first_id <> t.last_id
  having count(*) > 0
) l on true
join ref.instruments i on i.instrument_id = coalesce(l.instrument_id, t.first_id)
-- A close without an opening is no trip.
where t.ts_entry is not null;
comment on view trade.folded_trips is
  'Every position, open or flat, with what its fills made of it: the columns of trade.closed_trips. Filter on position_id; readers take trade.round_trips.';
comment on column trade.folded_trips.position_id is 'The entry decision.';
comment on column trade.folded_trips.run_id is 'trade.runs: the run of the entry; a later run of the account may have closed it.';
comment on column trade.folded_trips.is_flat is 'True when every contract that was opened is closed again.';
comment on column trade.folded_trips.session_date is 'Session of the entry.';
comment on column trade.folded_trips.instrument_id is 'What was traded: the contract, or the spread.';
comment on column trade.folded_trips.legs is 'Number of its contracts: 1, or those of a spread.';
comment on column trade.folded_trips.qty is 'Contracts, or spreads, that were opened.';
comment on column trade.folded_trips.ts_entry is 'First opening fill, Eastern.';
comment on column trade.folded_trips.ts_exit is 'Last fill, Eastern: the exit once it is flat.';
comment on column trade.folded_trips.opened_notional_e4 is
  'Sum of quantity x price of the opening fills, 1/10,000 dollar; of a spread sales minus purchases: the credit, below 0 a debit.';
comment on column trade.folded_trips.closed_notional_e4 is
  'Sum of quantity x price of the closing fills, 1/10,000 dollar; of a spread purchases minus sales: what closing cost.';
comment on column trade.folded_trips.bound_e4 is
  'The capital that it binds, 1/10,000 dollar: strike x multiplier x contracts; of a spread the distance of its strikes x multiplier x spreads.';
comment on column trade.folded_trips.gross_e4 is 'Sales minus purchases, 1/10,000 dollar.';
comment on column trade.folded_trips.net_e4 is 'Gross minus commission and fees, 1/10,000 dollar.';
grant select on trade.folded_trips to job_runner, backup;
