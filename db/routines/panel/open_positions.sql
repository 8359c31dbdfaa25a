create or replace view panel.open_positions as
select
  r.strategy,
  r.run_id,
  p.session_date,
  p.contract,
  p.option_kind,
  p.strike,
  p.long_strike,
  p.legs,
  (case p.side when 'short' then -p.held_qty else p.held_qty end)::bigint as qty,
  p.ts_entry,
  p.entry_px,
  q.bid::numeric(12, 4) as bid,
  q.ask::numeric(12, 4) as ask,
  q.mid::numeric(12, 4) as mid,
  q.ts as ts_quote,
  -- What was sold is bought back at the ask, what was bought is sold at the bid.
  (p.cash + case p.side when 'short' then -q.ask else q.bid end * p.held_qty * p.multiplier)::numeric(16, 2) as gross_to_close,
  (p.cash + case p.side when 'short' then -q.mid else q.mid end * p.held_qty * p.multiplier)::numeric(16, 2) as gross_at_mid,
  p.fees,
  p.target_px,
  p.stop_px,
  p.mark_on,
  p.max_profit,
  p.max_loss,
  p.notional,
  p.multiplier,
  p.exit_reason,
  p.mode,
  p.quote_source,
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
cross join lateral (select x.* from panel.positions x where x.position_id = held.position_id and x.is_open offset 0) p
left join lateral panel.position_mark(
  p.instrument_id, r.quote_feed_id, p.fill_ratio, p.ts_entry,
  -- A replay that has stopped midway does not know what came later; a live position may be in the hands of a later run.
  case r.mode when 'live' then 'infinity' else (select max(s.ts_to) from trade.slices s where s.run_id = r.run_id) end
) q on true;
comment on view panel.open_positions is 'Positions that are not flat, a row each however many legs they have (panel.position_legs), in dollars, with their last quote, target and stop.';
comment on column panel.open_positions.strategy is 'Strategy.';
comment on column panel.open_positions.run_id is 'panel.runs.';
comment on column panel.open_positions.session_date is 'Session of the entry.';
comment on column panel.open_positions.contract is 'OSI symbol of the option, or name of the spread.';
comment on column panel.open_positions.option_kind is 'call or put; null of a spread of both.';
comment on column panel.open_positions.strike is 'Strike, dollars; of a spread that of the contract that was sold.';
comment on column panel.open_positions.long_strike is 
  'Strike of the contract bought against it, dollars; null where there is none, or more than one.';
comment on column panel.open_positions.legs is 'Number of its contracts: 1, or those of the spread.';
comment on column panel.open_positions.qty is 'Contracts, or spreads, held, negative when short.';
comment on column panel.open_positions.ts_entry is 'First opening fill, Eastern.';
comment on column panel.open_positions.entry_px is 
  'Average price of the opening fills, dollars a share; of a spread the net credit, below 0 a debit.';
comment on column panel.open_positions.bid is 
  'Last bid since the entry, dollars; null is none. Of a spread what selling one more would bring (panel.position_mark).';
comment on column panel.open_positions.ask is 
  'Last ask since the entry, dollars; null is none. Of a spread the debit that closing it now costs.';
comment on column panel.open_positions.mid is 'The middle of the two, dollars; null is none.';
comment on column panel.open_positions.ts_quote is 'Time of that quote, Eastern; of a spread of the oldest of its legs quotes.';
comment on column panel.open_positions.gross_to_close is 'Gross if the rest were closed at that quote, dollars.';
comment on column panel.open_positions.gross_at_mid is 'Gross if the rest were closed in the middle of that quote, dollars.';
comment on column panel.open_positions.fees is 'Commission and fees so far, dollars.';
comment on column panel.open_positions.target_px is 'Take profit: at or below this price (mark_on), dollars.';
comment on column panel.open_positions.stop_px is 'Stop loss: at or above this price (mark_on), dollars.';
comment on column panel.open_positions.mark_on is 'What target and stop are compared with: ask or mid.';
comment on column panel.open_positions.max_profit is 'What the position makes at best, before fees, dollars; null of what was bought.';
comment on column panel.open_positions.max_loss is 'What it can lose at worst, before fees, dollars; null of a call that was sold.';
comment on column panel.open_positions.notional is 
  'The capital that it binds, dollars: strike x multiplier x contracts; of a spread the distance of its strikes.';
comment on column panel.open_positions.multiplier is 'Shares per contract.';
comment on column panel.open_positions.exit_reason is 'Why it is being closed; null while it is not.';
comment on column panel.open_positions.mode is 'live, replay or backtest.';
comment on column panel.open_positions.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.open_positions.account is 'Account.';
comment on column panel.open_positions.position_id is 'The entry decision.';
grant select on panel.open_positions to grafana_reader, job_runner, backup;
