-- Open and closed positions alike, with the levels that a chart draws and the keys under which their quotes lie.
create or replace view panel.positions as
select
  p.position_id,
  p.run_id,
  d.session_date,
  r.strategy,
  p.account,
  i.symbol as contract,
  u.symbol as underlying,
  i.option_kind,
  (i.strike_e4 / 10000.0)::numeric(12, 2) as strike,
  i.expiration,
  p.opened_qty::integer as qty,
  abs(p.qty)::integer as held_qty,
  p.qty <> 0 as is_open,
  case when d.direction = 1 then 'up' when d.direction = -1 then 'down' end as direction,
  d.reason as entry_reason,
  x.reason as exit_reason,
  d.ts as ts_decision,
  p.ts_entry,
  case when p.qty = 0 then p.ts_last_fill end as ts_exit,
  x.ts as ts_exit_decision,
  s.ts_close - make_interval(mins => (r.params ->> 'back_buffer_min')::integer) as ts_flat,
  s.ts_option_close,
  (p.opened_notional_e4 / p.opened_qty / 10000)::numeric(12, 4) as entry_px,
  (p.closed_notional_e4 / nullif(p.closed_qty, 0) / 10000)::numeric(12, 4) as exit_px,
  (p.opened_notional_e4 * (r.params ->> 'take_profit_ratio')::numeric / p.opened_qty / 10000)::numeric(12, 4) as target_px,
  (p.opened_notional_e4 * (r.params ->> 'stop_loss_ratio')::numeric / p.opened_qty / 10000)::numeric(12, 4) as stop_px,
  (e.close_e4 / 10000.0)::numeric(12, 4) as underlying_entry_px,
  (p.cash_e4 * i.multiplier / 10000.0)::numeric(16, 2) as cash,
  (p.commission + p.fees)::numeric(16, 4) as fees,
  i.multiplier,
  r.mode,
  r.quote_source,
  p.instrument_id,
  r.instrument_id as underlying_id,
  r.tick_feed_id,
  r.quote_feed_id
from trade.positions p
join trade.runs r on r.run_id = p.run_id
join trade.decisions d on d.decision_id = p.position_id
join ref.instruments i on i.instrument_id = p.instrument_id
join ref.instruments u on u.instrument_id = r.instrument_id
left join ref.sessions s on s.session_date = d.session_date
left join trade.decisions x on x.position_id = p.position_id and x.kind = 'exit'
left join signal.periods e
  on e.run_id = p.run_id and e.instrument_id = r.instrument_id and e.ts = d.ts and e.revision = 0
where p.opened_qty is not null;
comment on view panel.positions is
  'Positions, open and closed, in dollars, with the levels and keys that charts need. What is open now with its last quote: panel.open_positions; closed '
  'ones with their P/L: panel.round_trips.';
comment on column panel.positions.position_id is 'The entry decision.';
comment on column panel.positions.run_id is 'panel.runs.';
comment on column panel.positions.session_date is 'Session of the entry.';
comment on column panel.positions.strategy is 'Strategy.';
comment on column panel.positions.account is 'Account.';
comment on column panel.positions.contract is 'OSI symbol of the option.';
comment on column panel.positions.underlying is 'Symbol of the underlying.';
comment on column panel.positions.option_kind is 'call or put.';
comment on column panel.positions.strike is 'Strike, dollars.';
comment on column panel.positions.expiration is 'Expiration date.';
comment on column panel.positions.qty is 'Contracts that were opened.';
comment on column panel.positions.held_qty is 'Contracts of them that are held still: 0 when closed.';
comment on column panel.positions.is_open is 'True while contracts are held.';
comment on column panel.positions.direction is 'Direction of the entry''s signal: up or down.';
comment on column panel.positions.entry_reason is 'cross_up, cross_down or reversal.';
comment on column panel.positions.exit_reason is 'Why it was closed, or is being closed; null while neither.';
comment on column panel.positions.ts_decision is 'When the entry was decided, Eastern.';
comment on column panel.positions.ts_entry is 'First opening fill, Eastern.';
comment on column panel.positions.ts_exit is 'Last closing fill, Eastern; null while open.';
comment on column panel.positions.ts_exit_decision is 'When the exit was decided, Eastern; null before.';
comment on column panel.positions.ts_flat is 'When it is closed at the latest: the forced flat of its session, Eastern.';
comment on column panel.positions.ts_option_close is 'Close of the options in its session, Eastern.';
comment on column panel.positions.entry_px is 'Average price of the opening fills, dollars a share.';
comment on column panel.positions.exit_px is 'Average price of the closing fills so far, dollars a share; null without any.';
comment on column panel.positions.target_px is 'Take profit: at or below this ask, dollars; null where the strategy has none.';
comment on column panel.positions.stop_px is 'Stop loss: at or above this ask, dollars; null where the strategy has none.';
comment on column panel.positions.underlying_entry_px is 'Price of the underlying at the entry''s decision, dollars.';
comment on column panel.positions.cash is 'Sales minus purchases so far, dollars: the gross once it is flat.';
comment on column panel.positions.fees is 'Commission and fees so far, dollars.';
comment on column panel.positions.multiplier is 'Shares per contract.';
comment on column panel.positions.mode is 'live, replay or backtest.';
comment on column panel.positions.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.positions.instrument_id is 'Id of the contract, for panel.option_quotes and panel.option_trades.';
comment on column panel.positions.underlying_id is 'Id of the underlying, for panel.periods.';
comment on column panel.positions.tick_feed_id is 'panel.feeds: of the ticks.';
comment on column panel.positions.quote_feed_id is 'panel.feeds: of the option quotes.';
grant select on panel.positions to grafana_reader, job_runner, backup;
