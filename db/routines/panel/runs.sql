create or replace view panel.runs as
select
  r.run_id,
  r.mode,
  r.strategy,
  r.version,
  i.symbol,
  r.quote_source,
  tf.name as tick_feed,
  qf.name as quote_feed,
  r.ts_from,
  r.ts_to,
  s.ts_advanced,
  coalesce(r.outcome, 'open') as outcome,
  r.account,
  r.broker,
  r.ts_created,
  r.ts_ended,
  (r.params ->> 'contracts')::integer as contracts,
  (r.params ->> 'trading_capital')::numeric as trading_capital,
  r.params,
  r.code_hash,
  r.keeps
from trade.runs r
join ref.instruments i on i.instrument_id = r.instrument_id
join ref.feeds tf on tf.feed_id = r.tick_feed_id
join ref.feeds qf on qf.feed_id = r.quote_feed_id
left join lateral (
  select max(x.ts_to) as ts_advanced from trade.slices x where x.run_id = r.run_id
) s on true;
comment on view panel.runs is 'Runs: what was run, on which data, how far it came.';
comment on column panel.runs.run_id is 'Key; every other view of a run carries it.';
comment on column panel.runs.mode is 'live, replay or backtest.';
comment on column panel.runs.strategy is 'Strategy.';
comment on column panel.runs.version is 'Version of the strategy.';
comment on column panel.runs.symbol is 'The underlying.';
comment on column panel.runs.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.runs.tick_feed is 'Feed of the ticks.';
comment on column panel.runs.quote_feed is 'Feed of the option quotes.';
comment on column panel.runs.ts_from is 'Start of the range, Eastern.';
comment on column panel.runs.ts_to is 'End of the range (exclusive), Eastern.';
comment on column panel.runs.ts_advanced is 'How far it has come, Eastern; null before the first slice.';
comment on column panel.runs.outcome is 'open, completed, stopped or failed.';
comment on column panel.runs.account is 'Account; simulated runs have one of their own.';
comment on column panel.runs.broker is 'Who fills.';
comment on column panel.runs.ts_created is 'When it was opened, Eastern.';
comment on column panel.runs.ts_ended is 'When it ended, Eastern.';
comment on column panel.runs.contracts is 'Contracts per trade.';
comment on column panel.runs.trading_capital is 'Trading capital, dollars.';
comment on column panel.runs.params is 'All parameters that the run uses.';
comment on column panel.runs.code_hash is 'Hash of the migrations and routines that it ran on.';
comment on column panel.runs.keeps is 'all, or trades: decisions to skip are counted (panel.skips), not kept one by one.';
grant select on panel.runs to grafana_reader, job_runner, backup;
