create or replace view panel.open_positions as
select
  r.strategy,
  r.run_id,
  d.session_date,
  i.symbol as contract,
  i.option_kind,
  (i.strike_e4 / 10000.0)::numeric(12, 2) as strike,
  p.qty,
  p.ts_entry,
  (p.opened_notional_e4 / p.opened_qty / 10000)::numeric(12, 4) as entry_px,
  q.bid,
  q.ask,
  q.ts as ts_quote,
  -- Short positions are bought back at the ask, long ones sold at the bid.
  (
    (p.cash_e4 / 10000.0 + p.qty * case when p.qty < 0 then q.ask else q.bid end) * i.multiplier
  )::numeric(16, 2) as gross_to_close,
  (p.commission + p.fees)::numeric(16, 4) as fees,
  -- Target and stop of a spread are of the whole, not of a leg.
  case when p.instrument_id = d.instrument_id then
    (p.opened_notional_e4 * (r.params ->> 'take_profit_ratio')::numeric / p.opened_qty / 10000)::numeric(12, 4)
  end as target_px,
  case when p.instrument_id = d.instrument_id then
    (p.opened_notional_e4 * (r.params ->> 'stop_loss_ratio')::numeric / p.opened_qty / 10000)::numeric(12, 4)
  end as stop_px,
  (i.strike_e4::bigint * i.multiplier * abs(p.qty) / 10000.0)::numeric(16, 2) as notional,
  x.reason as exit_reason,
  r.mode,
  r.quote_source,
  p.account,
  p.position_id
from trade.runs r
-- Run by run, what has no closed trip: folding the fills of all the others would take most of the time.
cross join lateral (
  select distinct f.position_id
  from trade.fills f
  where f.run_id = r.run_id and not exists (select from trade.round_trips t where t.run_id = r.run_id and t.position_id = f.position_id)
) held
-- One by one (offset 0 keeps the planner from folding all of them first): there are few.
cross join lateral (select x.* from trade.positions x where x.position_id = held.position_id and x.qty <> 0 offset 0) p
join trade.decisions d on d.decision_id = p.position_id
join ref.instruments i on i.instrument_id = p.instrument_id
left join trade.decisions x on x.position_id = p.position_id and x.kind = 'exit'
left join lateral panel.last_quote(
  p.instrument_id, r.quote_feed_id, p.ts_entry,
  -- A replay that has stopped midway does not know what came later; a live position may be in the hands of a later run.
  case r.mode when 'live' then 'infinity' else (select max(s.ts_to) from trade.slices s where s.run_id = r.run_id) end
) q on true;
comment on view panel.open_positions is 'Positions that are not flat, in dollars, with their last quote, target and stop; of a spread a row for each leg.';
comment on column panel.open_positions.strategy is 'Strategy.';
comment on column panel.open_positions.run_id is 'panel.runs.';
comment on column panel.open_positions.session_date is 'Session of the entry.';
comment on column panel.open_positions.contract is 'OSI symbol of the option.';
comment on column panel.open_positions.option_kind is 'call or put.';
comment on column panel.open_positions.strike is 'Strike, dollars.';
comment on column panel.open_positions.qty is 'Contracts held, negative when short.';
comment on column panel.open_positions.ts_entry is 'First opening fill, Eastern.';
comment on column panel.open_positions.entry_px is 'Average price of the opening fills, dollars a share.';
comment on column panel.open_positions.bid is 'Last bid since the entry, dollars; null is none.';
comment on column panel.open_positions.ask is 'Last ask since the entry, dollars; null is none.';
comment on column panel.open_positions.ts_quote is 'Time of that quote, Eastern.';
comment on column panel.open_positions.gross_to_close is 'Gross if the rest were closed at that quote, dollars.';
comment on column panel.open_positions.fees is 'Commission and fees so far, dollars.';
comment on column panel.open_positions.target_px is 'Take profit: at or below this ask, dollars.';
comment on column panel.open_positions.stop_px is 'Stop loss: at or above this ask, dollars.';
comment on column panel.open_positions.notional is 'Strike x multiplier x contracts, dollars: the capital that it binds.';
comment on column panel.open_positions.exit_reason is 'Why it is being closed; null while it is not.';
comment on column panel.open_positions.mode is 'live, replay or backtest.';
comment on column panel.open_positions.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.open_positions.account is 'Account.';
comment on column panel.open_positions.position_id is 'The entry decision.';
grant select on panel.open_positions to grafana_reader, job_runner, backup;
