create or replace view panel.equity_indicators as
select
  e.ts,
  i.symbol,
  f.name as feed,
  e.session_date,
  (e.close_e4 / 10000.0)::numeric(12, 4) as close,
  trim_scale(e.volume_e6 / 1000000.0) as volume,
  (e.vwap_e6 / 1000000.0)::numeric(14, 6) as vwap,
  (e.session_vwap_e6 / 1000000.0)::numeric(14, 6) as session_vwap,
  (e.ma9_e6 / 1000000.0)::numeric(14, 6) as ma9,
  e.vwap_is_typical
from signal.equity_indicators e
join ref.instruments i on i.instrument_id = e.instrument_id
join ref.feeds f on f.feed_id = e.feed_id;
comment on view panel.equity_indicators is 'Session VWAP and MA9 by minute in dollars. Filter on symbol, feed and session_date.';
comment on column panel.equity_indicators.ts is 'End of the minute, Eastern.';
comment on column panel.equity_indicators.symbol is 'Equity or index.';
comment on column panel.equity_indicators.feed is 'Feed of the ticks.';
comment on column panel.equity_indicators.session_date is 'The session.';
comment on column panel.equity_indicators.close is 'Last price at the minute''s end, dollars.';
comment on column panel.equity_indicators.volume is 'Shares.';
comment on column panel.equity_indicators.vwap is 'VWAP of the minute, dollars; null without volume.';
comment on column panel.equity_indicators.session_vwap is 'VWAP since the open, dollars.';
comment on column panel.equity_indicators.ma9 is 'Mean of the last nine one-minute closes, dollars; null before the ninth.';
comment on column panel.equity_indicators.vwap_is_typical is 'True where a row without a VWAP, for which its typical price stands in, is under the minute.';
grant select on panel.equity_indicators to grafana_reader, job_runner, backup;
