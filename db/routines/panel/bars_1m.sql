create or replace view panel.bars_1m as
select
  b.ts_open + interval '1 minute' as ts,
  (b.open_e4 / 10000.0)::numeric(12, 4) as open,
  (b.high_e4 / 10000.0)::numeric(12, 4) as high,
  (b.low_e4 / 10000.0)::numeric(12, 4) as low,
  (b.close_e4 / 10000.0)::numeric(12, 4) as close,
  trim_scale(b.volume_e6 / 1000000.0) as volume,
  round(b.notional_e12 / nullif(b.volume_e6, 0) / 1000000, 6) as vwap,
  i.symbol,
  f.name as feed,
  b.trade_count,
  b.tick_count,
  b.vwap_is_typical,
  f.source,
  s.session_date is not null as is_regular,
  b.ts_open
from market.bars_1m b
join ref.instruments i on i.instrument_id = b.instrument_id
join ref.feeds f on f.feed_id = b.feed_id
left join ref.sessions s
  on s.session_date = b.ts_open::date and b.ts_open >= s.ts_open and b.ts_open < s.ts_close;
comment on view panel.bars_1m is
  'Bars of 1 minute in dollars, timed by their END, by symbol and feed. Filter on symbol and feed, and on ts_open where speed matters.';
comment on column panel.bars_1m.ts is 'End of the bar, Eastern.';
comment on column panel.bars_1m.open is 'First price, dollars.';
comment on column panel.bars_1m.high is 'Highest price, dollars.';
comment on column panel.bars_1m.low is 'Lowest price, dollars.';
comment on column panel.bars_1m.close is 'Last price, dollars.';
comment on column panel.bars_1m.volume is 'Shares.';
comment on column panel.bars_1m.vwap is 'Volume-weighted average price, dollars; null without volume.';
comment on column panel.bars_1m.symbol is 'Equity or index.';
comment on column panel.bars_1m.feed is 'Feed of the ticks.';
comment on column panel.bars_1m.trade_count is 'Trades where the source has their number.';
comment on column panel.bars_1m.tick_count is 'Ticks under the bar.';
comment on column panel.bars_1m.vwap_is_typical is 'True where a row without a VWAP, for which its typical price stands in, is under the bar.';
comment on column panel.bars_1m.source is 'recorded or simulated: what the ticks are.';
comment on column panel.bars_1m.is_regular is 'True for bars that begin in [open, close) of a session.';
comment on column panel.bars_1m.ts_open is 'Start of the bar, Eastern.';
grant select on panel.bars_1m to grafana_reader, job_runner, backup;

-- A view's functions run with the reader's rights: these compute bars from ticks, and nothing else of schema engine can be called by
-- a reader. Only one engine has a time_bucket of its own.
grant usage on schema engine to grafana_reader;
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.pronamespace = 'engine'::regnamespace and p.proname in ('first_px', 'last_px', 'time_bucket')
  loop
    execute format('grant execute on function %s to grafana_reader, backup', v_function);
  end loop;
end
$$;
