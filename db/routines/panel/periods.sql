create or replace view panel.periods as
select distinct on (p.run_id, p.instrument_id, p.ts)
  p.ts,
  p.run_id,
  p.instrument_id,
  p.session_date,
  i.symbol,
  (p.open_e4 / 10000.0)::numeric(12, 4) as open,
  (p.high_e4 / 10000.0)::numeric(12, 4) as high,
  (p.low_e4 / 10000.0)::numeric(12, 4) as low,
  (p.close_e4 / 10000.0)::numeric(12, 4) as close,
  (p.volume_e6 / 1000000.0)::numeric(20, 6) as volume,
  (p.vwap_e6 / 1000000.0)::numeric(14, 6) as vwap,
  (p.session_vwap_e6 / 1000000.0)::numeric(14, 6) as session_vwap,
  (p.ma_e6 / 1000000.0)::numeric(14, 6) as ma9,
  p.tick_count,
  (p.strike_e4 / 10000.0)::numeric(12, 2) as strike,
  (p.call_bid_e4 / 10000.0)::numeric(12, 4) as call_bid,
  (p.call_ask_e4 / 10000.0)::numeric(12, 4) as call_ask,
  extract(epoch from p.ts - p.call_ts)::numeric(12, 3) as call_age_s,
  (p.put_bid_e4 / 10000.0)::numeric(12, 4) as put_bid,
  (p.put_ask_e4 / 10000.0)::numeric(12, 4) as put_ask,
  extract(epoch from p.ts - p.put_ts)::numeric(12, 3) as put_age_s,
  p.revision as revisions,
  r.strategy,
  r.mode,
  r.quote_source,
  p.vwap_is_typical
from signal.periods p
join trade.runs r on r.run_id = p.run_id
join ref.instruments i on i.instrument_id = p.instrument_id
order by p.run_id, p.instrument_id, p.ts, p.revision desc;
comment on view panel.periods is
  'Normalised periods of a run in dollars, the latest revision of each. What the rules saw is revision 0 in signal.periods.';
comment on column panel.periods.ts is 'End of the period, Eastern.';
comment on column panel.periods.run_id is 'panel.runs.';
comment on column panel.periods.instrument_id is 'Id of the underlying.';
comment on column panel.periods.session_date is 'The session.';
comment on column panel.periods.symbol is 'The underlying.';
comment on column panel.periods.open is 'First price, dollars; null when the period is empty.';
comment on column panel.periods.high is 'Highest price, dollars; null when the period is empty.';
comment on column panel.periods.low is 'Lowest price, dollars; null when the period is empty.';
comment on column panel.periods.close is 'Last price at the period''s end, carried over empty periods, dollars.';
comment on column panel.periods.volume is 'Shares; 0 when the period is empty.';
comment on column panel.periods.vwap is 'VWAP of the trailing minute, dollars.';
comment on column panel.periods.session_vwap is 'VWAP since the open, dollars.';
comment on column panel.periods.ma9 is 'Moving average of one-minute closes, dollars; null before there are enough.';
comment on column panel.periods.tick_count is 'Ticks under the period.';
comment on column panel.periods.strike is 'Listed strike nearest to the VWAP, dollars.';
comment on column panel.periods.call_bid is 'Bid of the call nearest to the VWAP, dollars.';
comment on column panel.periods.call_ask is 'Ask of that call, dollars.';
comment on column panel.periods.call_age_s is 'Age of that quote at the period''s end, seconds.';
comment on column panel.periods.put_bid is 'Bid of the put nearest to the VWAP, dollars.';
comment on column panel.periods.put_ask is 'Ask of that put, dollars.';
comment on column panel.periods.put_age_s is 'Age of that quote at the period''s end, seconds.';
comment on column panel.periods.revisions is 'How often late ticks have revised it; 0 is never.';
comment on column panel.periods.strategy is 'Strategy.';
comment on column panel.periods.mode is 'live, replay or backtest.';
comment on column panel.periods.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.periods.vwap_is_typical is 'True where a bar without a VWAP, for which its typical price stands in, is under the period.';
grant select on panel.periods to grafana_reader, job_runner, backup;
