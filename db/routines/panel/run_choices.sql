create or replace view panel.run_choices as
select
  case r.mode
    when 'live' then format('live %s %s', r.account, r.strategy)
    else format('%s %s %s', r.mode, r.run_id, r.strategy)
  end as choice,
  r.run_id,
  case r.mode when 'live' then r.account else 'simulated' end as account,
  r.strategy,
  r.mode,
  case when r.mode <> 'live' then upper(r.mode) when r.broker = 'paper' then 'PAPER' else 'LIVE' end as badge,
  r.quote_source,
  i.symbol,
  r.instrument_id,
  r.tick_feed_id,
  r.quote_feed_id,
  (r.params ->> 'max_day_loss')::numeric as max_day_loss,
  r.ts_ended is null as is_open
from trade.runs r
join ref.instruments i on i.instrument_id = r.instrument_id
where r.keeps = 'all';
comment on view panel.run_choices is
  'What the dashboards offer to look at: all live runs of an account and strategy under one name, every replay and backtest by itself. A live run is one '
  'session; its P/L is read over many. Runs of a grid (panel.runs.keeps) are not among them: they are many, and have no decisions to show.';
comment on column panel.run_choices.choice is 'Name in the dashboards, e.g. live paper vwap_ma9 or backtest 3 vwap_ma9.';
comment on column panel.run_choices.run_id is 'panel.runs.';
comment on column panel.run_choices.account is 'Account of a live run; simulated for replays and backtests, which have one each.';
comment on column panel.run_choices.strategy is 'Strategy.';
comment on column panel.run_choices.mode is 'live, replay or backtest.';
comment on column panel.run_choices.badge is 'LIVE (a real broker), PAPER, REPLAY or BACKTEST.';
comment on column panel.run_choices.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.run_choices.symbol is 'The underlying.';
comment on column panel.run_choices.instrument_id is 'Id of the underlying.';
comment on column panel.run_choices.tick_feed_id is 'panel.feeds: of the ticks.';
comment on column panel.run_choices.quote_feed_id is 'panel.feeds: of the option quotes.';
comment on column panel.run_choices.max_day_loss is 'Realised loss of a day beyond which there are no entries, dollars.';
comment on column panel.run_choices.is_open is 'True while the run goes on.';
grant select on panel.run_choices to grafana_reader, job_runner, backup;
