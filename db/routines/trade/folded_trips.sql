-- What each position made, as its fills have it: the definition of trade.closed_trips, which is what readers take.
create or replace view trade.folded_trips as
select
  t.position_id,
  d.run_id,
  t.is_flat,
  d.session_date,
  d.direction,
  d.reason as entry_reason,
  coalesce(d.instrument_id, t.instrument_id) as instrument_id,
  t.legs,
  t.qty,
  t.ts_entry,
  t.ts_exit,
  t.opened_notional_e4,
  t.closed_notional_e4,
  t.bound_e4,
  t.gross_e4,
  t.gross_e4 - ((t.commission + t.fees) * 10000)::bigint as net_e4,
  t.commission,
  t.fees,
  x.decision_id as exit_decision_id,
  x.reason as exit_reason
from (
  select
    p.position_id,
    -- Leg by leg: an open vertical has sold as many contracts as it has bought.
    bool_and(p.qty = 0) as is_flat,
    (array_agg(p.instrument_id order by p.leg_no))[1] as instrument_id,
    count(*)::smallint as legs,
    max(p.opened_qty)::integer as qty,
    min(p.ts_entry) as ts_entry,
    max(p.ts_last_fill) as ts_exit,
    case count(*)
      when 1 then sum(p.opened_notional_e4)
      else sum(case p.side when 'sell' then p.opened_notional_e4 else -p.opened_notional_e4 end)
    end::bigint as opened_notional_e4,
    case count(*)
      when 1 then sum(p.closed_notional_e4)
      else sum(case p.side when 'sell' then p.closed_notional_e4 else -p.closed_notional_e4 end)
    end::bigint as closed_notional_e4,
    case count(*)
      when 1 then max(i.strike_e4)::bigint
      else max(i.strike_e4)::bigint - min(i.strike_e4)
    end * max(i.multiplier * p.opened_qty)::bigint as bound_e4,
    sum(p.cash_e4 * i.multiplier)::bigint as gross_e4,
    sum(p.commission) as commission,
    sum(p.fees) as fees
  from trade.positions p
  join ref.instruments i on i.instrument_id = p.instrument_id
  group by p.position_id
) t
join trade.decisions d on d.decision_id = t.position_id
left join trade.decisions x on x.position_id = t.position_id and x.kind = 'exit'
-- A close without an opening is no trip.
where t.ts_entry is not null;
comment on view trade.folded_trips is
  'Every position, open or flat, with what its fills made of it: the columns of trade.closed_trips. Filter on position_id; readers take trade.round_trips.';
comment on column trade.folded_trips.position_id is 'The entry decision.';
comment on column trade.folded_trips.run_id is 'trade.runs: the run of the entry; a later run of the account may have closed it.';
comment on column trade.folded_trips.is_flat is 'True when every contract that was opened is closed again.';
comment on column trade.folded_trips.session_date is 'Session of the entry.';
comment on column trade.folded_trips.direction is 'Of the entry''s signal: 1 up, -1 down.';
comment on column trade.folded_trips.entry_reason is 'Reason of the entry decision.';
comment on column trade.folded_trips.instrument_id is 'What was traded: the contract, or the spread.';
comment on column trade.folded_trips.legs is 'Number of its contracts: 1, or 2 of a vertical.';
comment on column trade.folded_trips.qty is 'Contracts, of several legs combinations, that were opened.';
comment on column trade.folded_trips.ts_entry is 'First opening fill, Eastern.';
comment on column trade.folded_trips.ts_exit is 'Last fill, Eastern: the exit once it is flat.';
comment on column trade.folded_trips.opened_notional_e4 is
  'Sum of quantity x price of the opening fills, 1/10,000 dollar; of several legs sales minus purchases: the credit, below 0 a debit.';
comment on column trade.folded_trips.closed_notional_e4 is
  'Sum of quantity x price of the closing fills, 1/10,000 dollar; of several legs purchases minus sales: what closing cost.';
comment on column trade.folded_trips.bound_e4 is
  'The capital that it binds, 1/10,000 dollar: strike x multiplier x contracts; of several legs the distance of their strikes x multiplier x combinations.';
comment on column trade.folded_trips.gross_e4 is 'Sales minus purchases, 1/10,000 dollar.';
comment on column trade.folded_trips.net_e4 is 'Gross minus commission and fees, 1/10,000 dollar.';
comment on column trade.folded_trips.commission is 'Dollars.';
comment on column trade.folded_trips.fees is 'Dollars.';
comment on column trade.folded_trips.exit_decision_id is 'The exit decision.';
comment on column trade.folded_trips.exit_reason is 'Its reason.';
grant select on trade.folded_trips to job_runner, backup;
