create or replace view panel.signals as
select
  s.ts,
  r.strategy,
  case s.direction when 1 then 'up' when -1 then 'down' end as direction,
  (s.vwap_e6 / 1000000.0)::numeric(14, 6) as vwap,
  (s.ma_e6 / 1000000.0)::numeric(14, 6) as ma9,
  (s.session_vwap_e6 / 1000000.0)::numeric(14, 6) as session_vwap,
  (s.close_e4 / 10000.0)::numeric(12, 4) as close,
  s.run_id,
  s.session_date,
  i.symbol,
  r.mode,
  r.quote_source,
  p.vwap_is_typical
from signal.signals s
join trade.runs r on r.run_id = s.run_id
join ref.instruments i on i.instrument_id = s.instrument_id
left join signal.periods p
  on p.run_id = s.run_id and p.instrument_id = s.instrument_id and p.ts = s.ts and p.revision = 0;
comment on view panel.signals is 'Signals in dollars: numbers at an instant, never an instruction.';
comment on column panel.signals.ts is 'End of the period at which it stands, Eastern.';
comment on column panel.signals.strategy is 'Strategy.';
comment on column panel.signals.direction is 'up or down; null where the rule looked for something to trade and found nothing.';
comment on column panel.signals.vwap is 'VWAP of the trailing minute, dollars.';
comment on column panel.signals.ma9 is 'Moving average of one-minute closes, dollars.';
comment on column panel.signals.session_vwap is 'VWAP since the open, dollars.';
comment on column panel.signals.close is 'Close of the period, dollars.';
comment on column panel.signals.run_id is 'panel.runs.';
comment on column panel.signals.session_date is 'The session.';
comment on column panel.signals.symbol is 'The underlying.';
comment on column panel.signals.mode is 'live, replay or backtest.';
comment on column panel.signals.quote_source is 'recorded, modelled or simulated: what the run''s option quotes are.';
comment on column panel.signals.vwap_is_typical is 'True where a bar without a VWAP, for which its typical price stands in, is under the period.';
grant select on panel.signals to grafana_reader, job_runner, backup;
