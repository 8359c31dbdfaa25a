-- As trade.round_trips, from the positions themselves: through that view every name would be looked up twice.
create or replace view panel.round_trips as
select
  p.ts_entry,
  p.ts_last_fill as ts_exit,
  r.strategy,
  p.run_id,
  d.session_date,
  i.symbol as contract,
  i.option_kind,
  (i.strike_e4 / 10000.0)::numeric(12, 2) as strike,
  case d.direction when 1 then 'up' when -1 then 'down' end as direction,
  p.opened_qty as qty,
  (p.opened_notional_e4 / p.opened_qty / 10000)::numeric(12, 4) as entry_px,
  (p.closed_notional_e4 / p.opened_qty / 10000)::numeric(12, 4) as exit_px,
  d.reason as entry_reason,
  coalesce(x.reason, 'protective_stop') as exit_reason,
  (p.cash_e4 * i.multiplier / 10000.0)::numeric(16, 2) as gross,
  (p.commission + p.fees)::numeric(16, 4) as fees,
  (p.cash_e4 * i.multiplier / 10000.0 - p.commission - p.fees)::numeric(16, 4) as net,
  (extract(epoch from p.ts_last_fill - p.ts_entry) / 60)::numeric(12, 2) as minutes_held,
  (i.strike_e4::bigint * i.multiplier * p.opened_qty / 10000.0)::numeric(16, 2) as notional,
  r.mode,
  r.quote_source,
  p.position_id,
  x.decision_id as exit_decision_id
from trade.positions p
join trade.runs r on r.run_id = p.run_id
join trade.decisions d on d.decision_id = p.position_id
join ref.instruments i on i.instrument_id = p.instrument_id
left join trade.decisions x on x.position_id = p.position_id and x.kind = 'exit'
-- As a case, for the planner takes an equality of sums for something that hardly ever happens.
where case when p.qty = 0 then true else false end;
comment on view panel.round_trips is 'Round trips in dollars, from entry to flat. A round trip belongs to the session of its entry.';
comment on column panel.round_trips.ts_entry is 'First opening fill, Eastern.';
comment on column panel.round_trips.ts_exit is 'Last closing fill, Eastern.';
comment on column panel.round_trips.strategy is 'Strategy.';
comment on column panel.round_trips.run_id is 'panel.runs.';
comment on column panel.round_trips.session_date is 'Session of the entry.';
comment on column panel.round_trips.contract is 'OSI symbol of the option.';
comment on column panel.round_trips.option_kind is 'call or put.';
comment on column panel.round_trips.strike is 'Strike, dollars.';
comment on column panel.round_trips.direction is 'Direction of the entry''s signal: up or down.';
comment on column panel.round_trips.qty is 'Contracts.';
comment on column panel.round_trips.entry_px is 'Average price of the opening fills, dollars a share.';
comment on column panel.round_trips.exit_px is 'Average price of the closing fills, dollars a share.';
comment on column panel.round_trips.entry_reason is 'cross_up, cross_down or reversal.';
comment on column panel.round_trips.exit_reason is 'take_profit, stop_loss, reverse or forced_flat.';
comment on column panel.round_trips.gross is 'Sales minus purchases, dollars.';
comment on column panel.round_trips.fees is 'Commission and fees, dollars.';
comment on column panel.round_trips.net is 'Gross minus fees, dollars.';
comment on column panel.round_trips.minutes_held is 'Minutes from entry to exit.';
comment on column panel.round_trips.notional is 'Strike x multiplier x contracts, dollars: the capital that the position binds.';
comment on column panel.round_trips.mode is 'live, replay or backtest.';
comment on column panel.round_trips.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.round_trips.position_id is 'The entry decision.';
comment on column panel.round_trips.exit_decision_id is 'The exit decision.';
grant select on panel.round_trips to grafana_reader, job_runner, backup;
