create or replace view panel.decisions as
select
  d.ts,
  r.strategy,
  d.kind,
  d.verdict,
  d.reason,
  case d.direction when 1 then 'up' when -1 then 'down' end as direction,
  i.symbol as contract,
  (d.trigger_px_e4 / 10000.0)::numeric(12, 4) as trigger_px,
  concat_ws(
    ', ',
    case when not d.window_ok then format('window %s min not in [%s, %s)', d.window_min, d.window_from_min, d.window_to_min) end,
    case when not d.age_ok then format('late %s ms > %s', d.age_ms, d.age_max_ms) end,
    case when not d.halt_ok then 'halted' end,
    case when not d.event_ok then format('event %s', d.event) end,
    case when not d.stop_ok then 'stopped today' end,
    case when not d.entries_ok then format('entries %s of %s today', d.entries_day, d.entries_day_max) end,
    case when not d.cooldown_ok then format('cooldown %s ms < %s', d.cooldown_ms, d.cooldown_min_ms) end,
    case when not d.slots_ok then format('positions %s of %s', d.open_slots, d.max_slots) end,
    case when not d.quote_ok then format('quote %s age %s ms', d.reason, coalesce(d.quote_age_ms::text, '-')) end,
    case when not d.capital_ok then format('capital %s > %s', d.capital, d.capital_max) end,
    case when not d.day_pl_ok then format('day loss %s <= %s', d.day_pl, d.day_pl_min) end,
    case when not d.orders_ok then
      format('orders %s of %s a day, %s of %s a minute', d.orders_day, d.orders_day_max, d.orders_minute, d.orders_minute_max)
    end
  ) as failed_gates,
  d.run_id,
  d.session_date,
  d.window_min,
  d.window_from_min,
  d.window_to_min,
  d.window_ok,
  d.age_ms,
  d.age_max_ms,
  d.age_ok,
  d.halt_ok,
  d.event,
  d.event_ok,
  d.entries_day,
  d.entries_day_max,
  d.entries_ok,
  d.stop_ok,
  d.cooldown_ms,
  d.cooldown_min_ms,
  d.cooldown_ok,
  d.open_slots,
  d.max_slots,
  d.slots_ok,
  (d.bid_e4 / 10000.0)::numeric(12, 4) as bid,
  (d.ask_e4 / 10000.0)::numeric(12, 4) as ask,
  d.quote_ts,
  d.quote_age_ms,
  d.quote_age_max_ms,
  d.quote_ok,
  d.capital,
  d.capital_max,
  d.capital_ok,
  d.day_pl,
  d.day_pl_min,
  d.day_pl_ok,
  d.orders_day,
  d.orders_day_max,
  d.orders_minute,
  d.orders_minute_max,
  d.orders_ok,
  r.mode,
  r.quote_source,
  d.decision_id,
  d.position_id
from trade.decisions d
join trade.runs r on r.run_id = d.run_id
left join ref.instruments i on i.instrument_id = d.instrument_id;
comment on view panel.decisions is
  'Decisions in dollars: one entry decision for every period, TRADE or SKIP, with each gate''s value, threshold and verdict, and one exit decision per position.';
comment on column panel.decisions.ts is 'When it was taken in event time, Eastern.';
comment on column panel.decisions.strategy is 'Strategy.';
comment on column panel.decisions.kind is 'entry or exit.';
comment on column panel.decisions.verdict is 'TRADE or SKIP.';
comment on column panel.decisions.reason is
  'Entry: cross_up, cross_down, reversal, put_vertical, call_vertical, or the first gate that failed. Exit: take_profit, stop_loss, reverse, forced_flat, expired.';
comment on column panel.decisions.direction is 'Direction of the signal: up or down; null without one.';
comment on column panel.decisions.contract is 'OSI symbol of the option, or the name of the spread.';
comment on column panel.decisions.trigger_px is 'Entry: the bid it would sell at. Exit: the ask that it saw. Dollars.';
comment on column panel.decisions.failed_gates is 'All gates that failed, with value and threshold; empty when none did.';
comment on column panel.decisions.run_id is 'panel.runs.';
comment on column panel.decisions.session_date is 'The session.';
comment on column panel.decisions.window_min is 'Gate window: minutes since the open.';
comment on column panel.decisions.window_from_min is 'Gate window: first minute on which entries are allowed.';
comment on column panel.decisions.window_to_min is 'Gate window: minute from which they are not.';
comment on column panel.decisions.window_ok is 'Gate window: verdict.';
comment on column panel.decisions.age_ms is 'Gate late: age of the decision when it was taken; null outside live runs.';
comment on column panel.decisions.age_max_ms is 'Gate late: threshold.';
comment on column panel.decisions.age_ok is 'Gate late: verdict.';
comment on column panel.decisions.halt_ok is 'Gate halt: false while trading is halted.';
comment on column panel.decisions.event is 'The event that is near, where the strategy stands aside for them.';
comment on column panel.decisions.event_ok is 'No event is near; null where events bar nothing.';
comment on column panel.decisions.entries_day is 'Entries of the day so far; null where their number is not limited.';
comment on column panel.decisions.entries_day_max is 'How many there may be.';
comment on column panel.decisions.entries_ok is 'There may be another.';
comment on column panel.decisions.stop_ok is 'No stop loss today; null where a stop does not end the day.';
comment on column panel.decisions.cooldown_ms is 'Gate cooldown: time since the last entry or counted exit of the session; null if none.';
comment on column panel.decisions.cooldown_min_ms is 'Gate cooldown: threshold.';
comment on column panel.decisions.cooldown_ok is 'Gate cooldown: verdict.';
comment on column panel.decisions.open_slots is 'Gate position: slots taken.';
comment on column panel.decisions.max_slots is 'Gate position: slots allowed.';
comment on column panel.decisions.slots_ok is 'Gate position: verdict.';
comment on column panel.decisions.bid is 'Gate quote: bid of the contract, dollars.';
comment on column panel.decisions.ask is 'Gate quote: ask of the contract, dollars.';
comment on column panel.decisions.quote_ts is 'Gate quote: time of the quote, Eastern.';
comment on column panel.decisions.quote_age_ms is 'Gate quote: its age.';
comment on column panel.decisions.quote_age_max_ms is 'Gate quote: threshold.';
comment on column panel.decisions.quote_ok is 'Gate quote: false if missing, one-sided, crossed or stale; null where there was nothing to judge.';
comment on column panel.decisions.capital is 'Gate capital: strike x multiplier x contracts, open positions included, dollars.';
comment on column panel.decisions.capital_max is 'Gate capital: trading capital, dollars.';
comment on column panel.decisions.capital_ok is 'Gate capital: verdict.';
comment on column panel.decisions.day_pl is 'Gate day loss: realised net of the session, dollars.';
comment on column panel.decisions.day_pl_min is 'Gate day loss: threshold, dollars.';
comment on column panel.decisions.day_pl_ok is 'Gate day loss: verdict.';
comment on column panel.decisions.orders_day is 'Gate orders: orders of the session.';
comment on column panel.decisions.orders_day_max is 'Gate orders: threshold.';
comment on column panel.decisions.orders_minute is 'Gate orders: orders of the last 60 s.';
comment on column panel.decisions.orders_minute_max is 'Gate orders: threshold.';
comment on column panel.decisions.orders_ok is 'Gate orders: verdict.';
comment on column panel.decisions.mode is 'live, replay or backtest.';
comment on column panel.decisions.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.decisions.decision_id is 'Key.';
comment on column panel.decisions.position_id is 'Of an exit: the entry decision whose position it closes.';
grant select on panel.decisions to grafana_reader, job_runner, backup;
