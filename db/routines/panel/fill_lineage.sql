-- What led to a fill, down to the ticks: the rows behind panel.lineage().
create or replace view panel.fill_lineage as
select
  f.fill_id,
  f.run_id,
  f.ts as ts_fill,
  f.side,
  f.qty,
  (f.px_e4 / 10000.0)::numeric(12, 4) as px,
  f.quote_ts as ts_fill_quote,
  f.intent_id,
  o.purpose,
  o.attempt,
  d.decision_id,
  d.kind as decision_kind,
  d.reason as decision_reason,
  d.ts as ts_decision,
  d.quote_ts as ts_decision_quote,
  f.position_id,
  c.symbol as contract,
  g.ts as ts_signal,
  case g.direction when 1 then 'up' when -1 then 'down' end as signal_direction,
  p.ts as ts_period,
  p.revision as period_revision,
  (p.vwap_e6 / 1000000.0)::numeric(14, 6) as vwap,
  (p.ma_e6 / 1000000.0)::numeric(14, 6) as ma9,
  t.instrument_id as tick_instrument_id,
  t.feed_id as tick_feed_id,
  t.ts_event as tick_ts_event,
  t.seq as tick_seq,
  t.span_ms as tick_span_ms,
  (t.close_e4 / 10000.0)::numeric(12, 4) as tick_close,
  (t.vwap_e6 / 1000000.0)::numeric(14, 6) as tick_vwap,
  trim_scale(t.volume_e6 / 1000000.0) as tick_volume,
  t.ts_recv as tick_ts_recv
from trade.fills f
join trade.runs r on r.run_id = f.run_id
join ref.instruments c on c.instrument_id = f.instrument_id
join trade.order_intents o on o.intent_id = f.intent_id
join trade.decisions d on d.decision_id = o.decision_id
join trade.decisions entry on entry.decision_id = f.position_id
-- A stop, target or forced exit has no signal of its own: its position's does.
left join signal.signals g
  -- Of two live runs of a day, one may have sold and the other bought it back.
  on g.run_id = case when d.kind = 'entry' or d.reason = 'reverse' then d.run_id else entry.run_id end
  and g.ts = case when d.kind = 'entry' or d.reason = 'reverse' then d.ts else entry.ts end
  and g.instrument_id = r.instrument_id
left join signal.periods p
  on p.run_id = g.run_id and p.instrument_id = g.instrument_id and p.ts = g.ts and p.revision = 0
left join lateral (
  select x.ts_as_of
  from trade.slices x
  where x.run_id = g.run_id and x.ts_to >= p.ts
  order by x.ts_to
  limit 1
) slice on true
left join market.equity_ticks t
  on t.instrument_id = r.instrument_id
  and t.feed_id = r.tick_feed_id
  and t.ts_event >= p.ts - interval '1 minute'
  and t.ts_event < p.ts
  and t.ts_recv <= slice.ts_as_of;
comment on view panel.fill_lineage is
  'Fills with what caused them: intent, decision, signal, period and the ticks under the period''s minute, one row per tick. Filter on fill_id.';
comment on column panel.fill_lineage.fill_id is 'The fill.';
comment on column panel.fill_lineage.run_id is 'panel.runs.';
comment on column panel.fill_lineage.ts_fill is 'When it was executed, Eastern.';
comment on column panel.fill_lineage.side is 'buy or sell.';
comment on column panel.fill_lineage.qty is 'Contracts.';
comment on column panel.fill_lineage.px is 'Price, dollars a share.';
comment on column panel.fill_lineage.ts_fill_quote is 'Time of the quote that filled it (paper), Eastern.';
comment on column panel.fill_lineage.intent_id is 'The order intent.';
comment on column panel.fill_lineage.purpose is 'entry or exit.';
comment on column panel.fill_lineage.attempt is 'Attempt of the order.';
comment on column panel.fill_lineage.decision_id is 'The decision that the intent carries out.';
comment on column panel.fill_lineage.decision_kind is 'entry or exit.';
comment on column panel.fill_lineage.decision_reason is 'Why.';
comment on column panel.fill_lineage.ts_decision is 'When it was taken, Eastern.';
comment on column panel.fill_lineage.ts_decision_quote is 'Time of the option quote that the decision saw, Eastern.';
comment on column panel.fill_lineage.position_id is 'The entry decision of the position.';
comment on column panel.fill_lineage.contract is 'OSI symbol of the option.';
comment on column panel.fill_lineage.ts_signal is 'Signal of the decision; of a stop, target or forced exit that of its position''s entry.';
comment on column panel.fill_lineage.signal_direction is 'up or down.';
comment on column panel.fill_lineage.ts_period is 'End of the period at which the signal stands, Eastern.';
comment on column panel.fill_lineage.period_revision is 'Revision of that period that the rule saw: 0.';
comment on column panel.fill_lineage.vwap is 'Its VWAP, dollars.';
comment on column panel.fill_lineage.ma9 is 'Its moving average, dollars.';
comment on column panel.fill_lineage.tick_instrument_id is 'Key of the tick in market.equity_ticks: instrument.';
comment on column panel.fill_lineage.tick_feed_id is 'Key of the tick: feed.';
comment on column panel.fill_lineage.tick_ts_event is 'Key of the tick: vendor''s time, Eastern.';
comment on column panel.fill_lineage.tick_seq is 'Key of the tick: sequence.';
comment on column panel.fill_lineage.tick_span_ms is '0 for a print, else the length of the aggregate.';
comment on column panel.fill_lineage.tick_close is 'Its price, dollars.';
comment on column panel.fill_lineage.tick_vwap is 'Its VWAP, dollars.';
comment on column panel.fill_lineage.tick_volume is 'Shares.';
comment on column panel.fill_lineage.tick_ts_recv is 'When it was received, Eastern.';
grant select on panel.fill_lineage to grafana_reader, job_runner, backup;
