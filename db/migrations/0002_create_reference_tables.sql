-- Reference data.
create table ref.feeds (
  feed_id smallint generated always as identity constraint feeds_pk primary key,
  name text not null constraint feeds_name_key unique,
  kind text not null constraint feeds_kind_check check (kind in ('equity', 'option', 'chain')),
  span_ms integer not null constraint feeds_span_check check (span_ms >= 0),
  source text not null constraint feeds_source_check check (source in ('recorded', 'modelled', 'simulated')),
  stale_after_ms integer not null constraint feeds_stale_check check (stale_after_ms > 0),
  description text not null default ''
);
comment on table ref.feeds is
  'A feed is one source of rows at one resolution. A run names one tick feed and one quote feed, so prints, seconds and imported '
  'minutes never add up twice. Written by ingest.';
comment on column ref.feeds.feed_id is 'Key, carried by every market row.';
comment on column ref.feeds.name is 'What the command line calls it, e.g. bars-60s, massive-second, modelled-60s.';
comment on column ref.feeds.kind is 'equity (ticks), option (quotes and trades) or chain (snapshots).';
comment on column ref.feeds.span_ms is 'Length of its aggregates in milliseconds, 0 for prints and quotes as they come.';
comment on column ref.feeds.source is 'recorded, modelled or simulated: printed with every result that rests on it.';
comment on column ref.feeds.stale_after_ms is 'A quote older than this bars entries: 2,000 for streams, 90,000 for minute quotes.';
comment on column ref.feeds.description is 'In words.';
grant select, insert on ref.feeds to ingest_writer;
grant select on ref.feeds to job_runner, backup;

create table ref.option_roots (
  root text constraint option_roots_pk primary key,
  underlying text not null,
  underlying_kind text not null constraint option_roots_kind_check check (underlying_kind in ('equity', 'index')),
  multiplier integer not null default 100,
  tick_below_e4 integer not null,
  tick_above_e4 integer not null,
  tick_threshold_e4 integer not null default 30000,
  exercise_style text not null constraint option_roots_style_check check (exercise_style in ('american', 'european')),
  settlement text not null constraint option_roots_settlement_check check (settlement in ('pm', 'am')),
  late_close boolean not null
);
comment on table ref.option_roots is 'Option series whose terms differ from the default (American, P.M., 0.01/0.05 ticks). Written by migrations.';
comment on column ref.option_roots.root is 'Root of the OSI symbol.';
comment on column ref.option_roots.underlying is 'Symbol of the underlying.';
comment on column ref.option_roots.underlying_kind is 'equity or index.';
comment on column ref.option_roots.multiplier is 'Shares (or dollars per point) per contract.';
comment on column ref.option_roots.tick_below_e4 is 'Price increment below the threshold, in 1/10,000 dollar.';
comment on column ref.option_roots.tick_above_e4 is 'Price increment at and above the threshold, in 1/10,000 dollar.';
comment on column ref.option_roots.tick_threshold_e4 is 'Premium at which the increment changes, in 1/10,000 dollar.';
comment on column ref.option_roots.exercise_style is 'american or european.';
comment on column ref.option_roots.settlement is 'pm: on the close of the expiration; am: on its opening print.';
comment on column ref.option_roots.late_close is 'True where the series trades to 16:15 (13:15 on early closes).';
grant select on ref.option_roots to ingest_writer, job_runner, backup;
insert into ref.option_roots values
  ('QQQ', 'QQQ', 'equity', 100, 100, 100, 30000, 'american', 'pm', true),
  ('SPY', 'SPY', 'equity', 100, 100, 100, 30000, 'american', 'pm', true),
  ('IWM', 'IWM', 'equity', 100, 100, 100, 30000, 'american', 'pm', true),
  ('SPXW', 'SPX', 'index', 100, 500, 1000, 30000, 'european', 'pm', true),
  ('SPX', 'SPX', 'index', 100, 500, 1000, 30000, 'european', 'am', true);

create table ref.instruments (
  instrument_id integer generated always as identity constraint instruments_pk primary key,
  kind text not null constraint instruments_kind_check check (kind in ('equity', 'index', 'option')),
  symbol text not null constraint instruments_symbol_key unique,
  underlying_id integer constraint instruments_underlying_fk references ref.instruments (instrument_id),
  root text,
  expiration date,
  option_kind text constraint instruments_option_kind_check check (option_kind in ('call', 'put')),
  strike_e4 integer constraint instruments_strike_check check (strike_e4 > 0),
  multiplier integer not null default 1,
  constraint instruments_option_check check (
    (kind = 'option') = (underlying_id is not null and root is not null and expiration is not null
      and option_kind is not null and strike_e4 is not null)
  )
);
comment on table ref.instruments is 'Equities, indexes and option contracts. Written by ingest when it first sees a symbol.';
comment on column ref.instruments.instrument_id is 'Key of every market row: a text key made COPY several times slower.';
comment on column ref.instruments.kind is 'equity, index or option.';
comment on column ref.instruments.symbol is 'Ticker, or the 21-character OSI symbol of an option.';
comment on column ref.instruments.underlying_id is 'Of an option: the instrument underneath.';
comment on column ref.instruments.root is 'Of an option: root of its series (SPXW for weekly SPX).';
comment on column ref.instruments.expiration is 'Of an option: expiration date.';
comment on column ref.instruments.option_kind is 'Of an option: call or put.';
comment on column ref.instruments.strike_e4 is 'Of an option: strike in 1/10,000 dollar.';
comment on column ref.instruments.multiplier is 'Shares per contract; 1 for equities and indexes.';
create index instruments_chain_idx on ref.instruments (underlying_id, expiration, strike_e4, option_kind) where kind = 'option';
grant select, insert on ref.instruments to ingest_writer;
grant select on ref.instruments to job_runner, backup;

create table ref.session_overrides (
  session_date date constraint session_overrides_pk primary key,
  is_closed boolean not null,
  ts_close timestamp,
  reason text not null,
  constraint session_overrides_close_check check (is_closed or ts_close is not null)
);
comment on table ref.session_overrides is
  'One-off closures and early closes that no rule knows. After a change: select ref.refresh_sessions(). Written by migrations and operators.';
comment on column ref.session_overrides.session_date is 'The day.';
comment on column ref.session_overrides.is_closed is 'True: no session at all.';
comment on column ref.session_overrides.ts_close is 'Close of the equity session where it is early, Eastern.';
comment on column ref.session_overrides.reason is 'Why, in words.';

create table ref.sessions (
  session_date date constraint sessions_pk primary key,
  ts_open timestamp not null,
  ts_close timestamp not null,
  ts_option_close timestamp not null,
  is_early_close boolean not null,
  constraint sessions_order_check check (ts_open < ts_close and ts_close <= ts_option_close)
);
comment on table ref.sessions is 'Exchange days 2015-2035 by NYSE rules. Written by ref.refresh_sessions().';
comment on column ref.sessions.session_date is 'The exchange day.';
comment on column ref.sessions.ts_open is 'Opening of the equity session, Eastern.';
comment on column ref.sessions.ts_close is 'Close of the equity session, Eastern; session minutes are those in [ts_open, ts_close).';
comment on column ref.sessions.ts_option_close is 'Close of options that trade late (QQQ, SPY, SPX), Eastern.';
comment on column ref.sessions.is_early_close is 'True on half days.';
create unique index sessions_open_idx on ref.sessions (ts_open);
create unique index sessions_close_idx on ref.sessions (ts_close);
grant select on ref.session_overrides, ref.sessions to ingest_writer, job_runner, backup;

create table ref.fee_schedules (
  broker text not null,
  valid_from date not null,
  commission_per_contract numeric(10, 5) not null,
  fees_per_contract numeric(10, 5) not null,
  sell_fees_per_contract numeric(10, 5) not null,
  source text not null,
  constraint fee_schedules_pk primary key (broker, valid_from)
);
comment on table ref.fee_schedules is 'What a contract costs, by broker and date. Written by migrations and operators.';
comment on column ref.fee_schedules.broker is 'Broker whose schedule it is; paper runs use schwab''s.';
comment on column ref.fee_schedules.valid_from is 'First session date on which it applies.';
comment on column ref.fee_schedules.commission_per_contract is 'Dollars, each side.';
comment on column ref.fee_schedules.fees_per_contract is 'Regulatory and clearing fees in dollars, each side (ORF, OCC).';
comment on column ref.fee_schedules.sell_fees_per_contract is 'Dollars more on sales (TAF).';
comment on column ref.fee_schedules.source is 'Where the figures come from.';
grant select on ref.fee_schedules to job_runner, backup;
insert into ref.fee_schedules values
  ('schwab', '2015-01-01', 0.65, 0.0450, 0.0033,
   'standard online commission 0.65; ORF about 0.02, OCC 0.025, FINRA TAF 0.00329 on sales: check against previewOrder');

create table ref.strategies (
  strategy text not null,
  version integer not null constraint strategies_version_check check (version > 0),
  ts_created timestamp not null default localtimestamp(0),
  enabled boolean not null,
  signal_routine text not null,
  structure text not null constraint strategies_structure_check check (structure in ('short_single')),
  underlying text not null,
  option_root text not null,
  account text not null,
  period_ms integer not null constraint strategies_period_check check (period_ms between 1000 and 60000 and 60000 % period_ms = 0),
  ma_minutes integer not null constraint strategies_ma_check check (ma_minutes between 2 and 240),
  sell_on_cross_up text not null constraint strategies_cross_check check (sell_on_cross_up in ('put', 'call')),
  cooldown_ms integer not null constraint strategies_cooldown_check check (cooldown_ms >= 0),
  cooldown_from_exit text not null constraint strategies_cooldown_from_check check (cooldown_from_exit in ('stop_and_target', 'all', 'none')),
  front_buffer_min integer not null constraint strategies_front_check check (front_buffer_min between 0 and 390),
  back_buffer_min integer not null constraint strategies_back_check check (back_buffer_min between 0 and 390),
  slots smallint not null constraint strategies_slots_check check (slots between 1 and 10),
  contracts integer not null constraint strategies_contracts_check check (contracts between 1 and 500),
  trading_capital numeric(14, 2) not null constraint strategies_capital_check check (trading_capital > 0),
  take_profit_ratio numeric(8, 4) constraint strategies_target_check check (take_profit_ratio > 0 and take_profit_ratio < 1),
  stop_loss_ratio numeric(8, 4) constraint strategies_stop_check check (stop_loss_ratio > 1),
  exit_on_reverse boolean not null,
  reversal_valid_ms integer not null constraint strategies_reversal_check check (reversal_valid_ms >= 0),
  entry_valid_ms integer not null constraint strategies_entry_valid_check check (entry_valid_ms > 0),
  exit_reprice_ms integer not null constraint strategies_reprice_check check (exit_reprice_ms >= 100),
  exit_reprice_ticks integer not null constraint strategies_reprice_ticks_check check (exit_reprice_ticks >= 0),
  exit_market_after_ms integer not null constraint strategies_market_after_check check (exit_market_after_ms >= exit_reprice_ms),
  max_day_loss numeric(14, 2) not null constraint strategies_day_loss_check check (max_day_loss > 0),
  max_orders_per_day integer not null constraint strategies_orders_day_check check (max_orders_per_day > 0),
  max_orders_per_minute integer not null constraint strategies_orders_minute_check check (max_orders_per_minute > 0),
  latency_ms integer not null constraint strategies_latency_check check (latency_ms >= 0),
  partial_fills boolean not null,
  constraint strategies_pk primary key (strategy, version)
);
comment on table ref.strategies is 'Strategies as versioned rows: every change is a new version, the highest is current. Written by strikebase strategies.';
comment on column ref.strategies.strategy is 'Name, e.g. vwap_ma9.';
comment on column ref.strategies.version is 'Counts up with every change.';
comment on column ref.strategies.ts_created is 'When this version was written, Eastern.';
comment on column ref.strategies.enabled is 'Live runs start only enabled strategies.';
comment on column ref.strategies.signal_routine is 'The rule: a function (from_ts, to_ts, signal.context) returning signal.signal_values.';
comment on column ref.strategies.structure is 'What an entry is: short_single sells one option to open.';
comment on column ref.strategies.underlying is 'Symbol whose periods the rule reads.';
comment on column ref.strategies.option_root is 'Root of the option series that it trades.';
comment on column ref.strategies.account is 'Account that live runs trade; simulated runs have their own.';
comment on column ref.strategies.period_ms is 'Length of a period; below a minute the VWAP is that of the trailing 60 s.';
comment on column ref.strategies.ma_minutes is 'Closes in the moving average, one a minute.';
comment on column ref.strategies.sell_on_cross_up is 'Which option a cross up sells; a cross down sells the other.';
comment on column ref.strategies.cooldown_ms is 'No entry for this long after the last entry signal acted upon and after exits.';
comment on column ref.strategies.cooldown_from_exit is 'Which exits start the cooldown: stop_and_target, all or none.';
comment on column ref.strategies.front_buffer_min is 'No entries until this many minutes after the open.';
comment on column ref.strategies.back_buffer_min is 'No entries from this many minutes before the close, and all positions flat then.';
comment on column ref.strategies.slots is 'Positions that may be open at once.';
comment on column ref.strategies.contracts is 'Contracts per trade.';
comment on column ref.strategies.trading_capital is 'Dollars; strike x multiplier x contracts may not exceed it.';
comment on column ref.strategies.take_profit_ratio is 'Exit when the ask is at or below this share of the entry credit; null switches it off.';
comment on column ref.strategies.stop_loss_ratio is 'Exit when the ask is at or above this share of the entry credit; null switches it off.';
comment on column ref.strategies.exit_on_reverse is 'A cross in the other direction closes the position and opens the other side.';
comment on column ref.strategies.reversal_valid_ms is 'The other side is opened only when the close fills within this time.';
comment on column ref.strategies.entry_valid_ms is 'An entry order unfilled after this is cancelled.';
comment on column ref.strategies.exit_reprice_ms is 'An exit order is re-priced this often.';
comment on column ref.strategies.exit_reprice_ticks is 'By this many price increments.';
comment on column ref.strategies.exit_market_after_ms is 'And becomes a market order after this.';
comment on column ref.strategies.max_day_loss is 'Dollars: no entry once the session''s realised net loss reaches it.';
comment on column ref.strategies.max_orders_per_day is 'Orders in a session after which no entry is made.';
comment on column ref.strategies.max_orders_per_minute is 'Orders in the last 60 s at which no entry is made.';
comment on column ref.strategies.latency_ms is 'Paper fills take the first quote at or after the decision plus this.';
comment on column ref.strategies.partial_fills is 'Paper fills take no more than the displayed size of each quote.';
grant select, insert on ref.strategies to job_runner;
grant select on ref.strategies to backup;
select engine.make_append_only('ref.strategies');
insert into ref.strategies values (
  'vwap_ma9', 1, localtimestamp(0), true, 'signal.vwap_ma9', 'short_single', 'QQQ', 'QQQ', 'paper', 60000, 9, 'put',
  30000, 'stop_and_target', 30, 30, 1, 25, 5000000, 0.5, 2.0, true, 5000, 5000, 2000, 2, 10000, 25000, 200, 10, 0, false
);
