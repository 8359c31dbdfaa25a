create or replace view panel.round_trips as
select
  t.ts_entry,
  t.ts_exit,
  r.strategy,
  t.run_id,
  t.session_date,
  i.symbol as contract,
  i.option_kind,
  (i.strike_e4 / 10000.0)::numeric(12, 2) as strike,
  case t.direction when 1 then 'up' when -1 then 'down' end as direction,
  t.qty::bigint as qty,
  (t.opened_notional_e4 / t.qty / 10000)::numeric(12, 4) as entry_px,
  (t.closed_notional_e4 / t.qty / 10000)::numeric(12, 4) as exit_px,
  t.entry_reason,
  t.exit_reason,
  t.gross::numeric(16, 2) as gross,
  t.fees::numeric(16, 4) as fees,
  t.net::numeric(16, 4) as net,
  (extract(epoch from t.ts_exit - t.ts_entry) / 60)::numeric(12, 2) as minutes_held,
  (t.bound_e4 / 10000.0)::numeric(16, 2) as notional,
  r.mode,
  r.quote_source,
  t.position_id,
  t.exit_decision_id,
  t.legs
from trade.round_trips t
join trade.runs r on r.run_id = t.run_id
join ref.instruments i on i.instrument_id = t.instrument_id;
comment on view panel.round_trips is 'Round trips in dollars, from entry to flat. A round trip belongs to the session of its entry.';
comment on column panel.round_trips.ts_entry is 'First opening fill, Eastern.';
comment on column panel.round_trips.ts_exit is 'Last closing fill, Eastern.';
comment on column panel.round_trips.strategy is 'Strategy.';
comment on column panel.round_trips.run_id is 'panel.runs.';
comment on column panel.round_trips.session_date is 'Session of the entry.';
comment on column panel.round_trips.contract is 'OSI symbol of the option, or name of the spread.';
comment on column panel.round_trips.option_kind is 'call or put; null of a spread of both.';
comment on column panel.round_trips.strike is 'Strike, dollars; null of a spread.';
comment on column panel.round_trips.direction is 'Direction of the entry''s signal: up or down.';
comment on column panel.round_trips.qty is 'Contracts, or spreads.';
comment on column panel.round_trips.entry_px is 'Average price of the opening fills, dollars a share; of a spread the net credit, below 0 a debit.';
comment on column panel.round_trips.exit_px is 'Average price of the closing fills, dollars a share; of a spread what closing cost, net.';
comment on column panel.round_trips.entry_reason is 'cross_up, cross_down or reversal.';
comment on column panel.round_trips.exit_reason is
  'take_profit, stop_loss, reverse, forced_flat, or protective_stop: the stop that rests at the broker has closed it.';
comment on column panel.round_trips.gross is 'Sales minus purchases, dollars.';
comment on column panel.round_trips.fees is 'Commission and fees, dollars.';
comment on column panel.round_trips.net is 'Gross minus fees, dollars.';
comment on column panel.round_trips.minutes_held is 'Minutes from entry to exit.';
comment on column panel.round_trips.notional is
  'The capital that the position binds, dollars: strike x multiplier x contracts; of a spread the distance of its strikes.';
comment on column panel.round_trips.mode is 'live, replay or backtest.';
comment on column panel.round_trips.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.round_trips.position_id is 'The entry decision.';
comment on column panel.round_trips.exit_decision_id is 'The exit decision.';
comment on column panel.round_trips.legs is 'Number of its contracts: 1, or those of a spread; one by one: panel.position_legs.';
grant select on panel.round_trips to grafana_reader, job_runner, backup;
