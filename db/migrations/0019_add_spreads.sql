-- Positions of several legs: a spread is an instrument of its own, so that what holds, prices and closes one contract does so with a spread.
alter table ref.instruments
  drop constraint instruments_kind_check,
  add constraint instruments_kind_check check (kind in ('equity', 'index', 'option', 'spread'));
comment on column ref.instruments.kind is 'equity, index, option, or spread: several contracts traded as one, ref.spreads.';

create table ref.spreads (
  instrument_id integer constraint spreads_pk primary key
    constraint spreads_instrument_fk references ref.instruments (instrument_id),
  legs integer[] not null constraint spreads_legs_key unique
    constraint spreads_legs_check check (cardinality(legs) between 2 and 4 and legs[1] < 0)
);
comment on table ref.spreads is 'Spreads: contracts that are traded as one order. Selling the spread sells its first leg. Facts, append-only. Written by ref.spread_id.';
comment on column ref.spreads.instrument_id is 'ref.instruments, kind spread.';
comment on column ref.spreads.legs is
  'ref.instruments of the contracts, one of each: negative where selling the spread sells the contract, positive where it buys it. The first is sold.';
grant select on ref.spreads to ingest_writer, job_runner, backup;
-- Whoever decides to trade a spread makes it known.
grant insert on ref.spreads, ref.instruments to job_runner;

alter table ref.feeds
  drop constraint feeds_source_check,
  add constraint feeds_source_check check (source in ('recorded', 'modelled', 'simulated', 'marks'));
comment on column ref.feeds.source is
  'recorded, modelled or simulated: printed with every result that rests on it; marks: one price of each contract that nobody bid or asked, stored as both sides.';
alter table trade.runs
  drop constraint runs_quote_source_check,
  add constraint runs_quote_source_check check (quote_source in ('recorded', 'modelled', 'simulated', 'marks'));
comment on column trade.runs.quote_source is 'recorded, modelled, simulated or marks: printed with every result.';

alter table ref.strategies
  drop constraint strategies_structure_check,
  drop constraint strategies_period_check,
  add constraint strategies_structure_check check (structure in ('short_single', 'credit_vertical')),
  add constraint strategies_period_check check (
    period_ms between 1000 and 3600000 and (60000 % period_ms = 0 or period_ms % 60000 = 0)
  ),
  add column fill_ratio numeric(4, 3) not null default 0.5 constraint strategies_fill_check check (fill_ratio between 0 and 0.5),
  add column exit_mark text not null default 'ask' constraint strategies_mark_check check (exit_mark in ('ask', 'mid')),
  add column flat_at_close boolean not null default true,
  add column max_entries_per_day integer constraint strategies_entries_day_check check (max_entries_per_day > 0),
  add column stop_ends_day boolean not null default false,
  add column blackout_min integer not null default 0 constraint strategies_blackout_check check (blackout_min between 0 and 10080),
  add column entry_times time[] constraint strategies_entry_times_check check (cardinality(entry_times) between 1 and 48),
  add column dte_targets integer[] constraint strategies_dte_check check (
    cardinality(dte_targets) between 1 and 10 and 0 <= all (dte_targets) and 60 >= all (dte_targets)
  ),
  add column dte_tolerance integer not null default 1 constraint strategies_dte_tolerance_check check (dte_tolerance between 0 and 10),
  add column delta_targets numeric[] constraint strategies_delta_check check (
    cardinality(delta_targets) between 1 and 10 and 0 < all (delta_targets) and 0.6 > all (delta_targets)
  ),
  add column delta_tolerance numeric(4, 3) not null default 0.05 constraint strategies_delta_tolerance_check check (delta_tolerance > 0),
  add column spread_width numeric(8, 2) constraint strategies_width_check check (spread_width > 0),
  add column long_delta_distance numeric(4, 3) constraint strategies_long_delta_check check (long_delta_distance > 0 and long_delta_distance < 0.6),
  add column max_leg_spread numeric(8, 2) constraint strategies_leg_spread_check check (max_leg_spread > 0),
  add column max_spread_cost numeric(6, 3) constraint strategies_spread_cost_check check (max_spread_cost > 0),
  add column min_credit numeric(8, 2) constraint strategies_min_credit_check check (min_credit >= 0),
  add column trade_marks boolean not null default false,
  add column score_weights numeric[] constraint strategies_score_check check (cardinality(score_weights) = 3),
  add constraint strategies_vertical_check check (
    structure <> 'credit_vertical' or (
      entry_times is not null and dte_targets is not null and delta_targets is not null and score_weights is not null
      and num_nonnulls(spread_width, long_delta_distance) = 1
    )
  );
comment on column ref.strategies.structure is
  'What an entry opens: short_single, one option sold; credit_vertical, one sold and one further out of the money of the same kind bought.';
comment on column ref.strategies.period_ms is 'Length of a normalised period: of a minute it is a whole part or a whole multiple.';
comment on column ref.strategies.fill_ratio is
  'Where orders are priced and paper orders fill, as a share of the quote''s width away from its middle: 0.5 is the bid or ask itself.';
comment on column ref.strategies.exit_mark is 'What take profit and stop loss look at: ask, what closing costs, or mid, the middle of the quote.';
comment on column ref.strategies.flat_at_close is 'Whether positions are closed back_buffer_min before the close; if not, they are held until target, stop or expiry.';
comment on column ref.strategies.max_entries_per_day is 'Entries a day; null: any number.';
comment on column ref.strategies.stop_ends_day is 'Whether a stop loss bars entries for the rest of the day.';
comment on column ref.strategies.blackout_min is 'No entry within so many minutes before or after an event of ref.events; 0: events bar nothing.';
comment on column ref.strategies.entry_times is 'Eastern times at which entries are considered; null: at every period.';
comment on column ref.strategies.dte_targets is 'Calendar days to expiration that are looked for.';
comment on column ref.strategies.dte_tolerance is 'How many days the nearest expiration may be away from a target where the exact one is not listed.';
comment on column ref.strategies.delta_targets is 'Absolute deltas of the short leg that are looked for.';
comment on column ref.strategies.delta_tolerance is 'How far the nearest contract''s delta may be away from a target.';
comment on column ref.strategies.spread_width is 'Distance between the strikes, dollars; null: long_delta_distance chooses the long leg.';
comment on column ref.strategies.long_delta_distance is 'How much smaller the long leg''s absolute delta is; null: spread_width chooses it.';
comment on column ref.strategies.max_leg_spread is 'Ask minus bid that a leg may have, dollars; null: any.';
comment on column ref.strategies.max_spread_cost is 'Ask minus bid of the spread, as a share of its middle; null: any.';
comment on column ref.strategies.min_credit is 'Least credit per share, after fill_ratio, dollars; null: any.';
comment on column ref.strategies.trade_marks is 'Whether it may trade on marks, of which no bid or ask is recorded.';
comment on column ref.strategies.score_weights is
  'Weights of credit / width, of the short strike''s distance in standard deviations, and of the spread''s cost; signal.vertical_candidates.';

create table ref.events (
  ts timestamp not null,
  name text not null,
  source text not null,
  constraint events_pk primary key (ts, name)
);
comment on table ref.events is 'High-impact events around which strategies may stand aside (blackout_min). Written by `strikebase events`.';
comment on column ref.events.ts is 'When it happens, Eastern.';
comment on column ref.events.name is 'For example FOMC or CPI.';
comment on column ref.events.source is 'Who says so.';
grant select, insert, delete on ref.events to job_runner;
grant select on ref.events to backup;

alter type signal.context add attribute quote_feed_id smallint;
alter type signal.context add attribute params jsonb;
comment on type signal.context is
  'What a rule is called with: whose stored periods it may read (run_id null: none, build them), which underlying and tick feed, what had been received by as_of, '
  'the length of a period; for rules that look at options also the quote feed and the strategy''s parameters (ref.strategies as JSON).';

create type signal.vertical as (
  dte_target integer,
  delta_target numeric,
  option_kind text,
  expiration date,
  dte integer,
  short_id integer,
  long_id integer,
  short_strike_e4 integer,
  long_strike_e4 integer,
  short_delta double precision,
  long_delta double precision,
  short_iv double precision,
  forward double precision,
  t_years double precision,
  bid_e4 integer,
  ask_e4 integer,
  credit_e4 integer,
  width_e4 integer,
  reward double precision,
  distance double precision,
  cost double precision,
  score double precision,
  reject text
);
comment on type signal.vertical is
  'A credit vertical that could be sold, and what it is worth; or why it cannot be. Deltas are absolute; bid, ask and credit are of the spread, 1/10,000 dollar.';

create type signal.spread_values as (
  ts timestamp,
  session_date date,
  direction smallint,
  skip text,
  legs integer[],
  score double precision,
  close_e4 integer,
  features jsonb
);
comment on type signal.spread_values is
  'What a rule that trades spreads says at an instant: its direction with the legs to sell (signed as in ref.spreads), or, direction null, why nothing is to be traded.';

alter table signal.signals
  alter column direction drop not null,
  add column skip text,
  add column legs integer[],
  add column score double precision,
  add column features jsonb,
  add constraint signals_skip_check check ((direction is null) = (skip is not null));
comment on column signal.signals.direction is '1 up, -1 down; null where the rule looked and found nothing to trade.';
comment on column signal.signals.skip is 'Why the rule found nothing to trade.';
comment on column signal.signals.legs is 'The spread to sell, signed as in ref.spreads; null where the period''s own contract is traded.';
comment on column signal.signals.score is 'Of the best candidate, in the rule''s own unit.';
comment on column signal.signals.features is 'What the rule knew: figures of the chosen candidate and of the market.';

alter type trade.slot_state add attribute short_legs smallint;
alter type trade.slot_state add attribute long_legs smallint;
alter type trade.session_state add attribute ts_entry_to timestamp;
alter type trade.session_state add attribute entries_day integer;
alter type trade.session_state add attribute has_stopped boolean;
alter type trade.gate_state add attribute entries_day integer;
alter type trade.gate_state add attribute has_stopped boolean;
alter type trade.face add attribute skip text;
alter type trade.face add attribute event text;

alter table trade.decisions
  add column event text,
  add column event_ok boolean,
  add column entries_day integer,
  add column entries_day_max integer,
  add column entries_ok boolean,
  add column stop_ok boolean;
comment on column trade.decisions.event is 'The event of ref.events that is near, where the strategy stands aside for them.';
comment on column trade.decisions.event_ok is 'No event is near; null where events bar nothing.';
comment on column trade.decisions.entries_day is 'Entries of the day so far.';
comment on column trade.decisions.entries_day_max is 'How many there may be; null: any number.';
comment on column trade.decisions.entries_ok is 'There may be another entry; null where their number is not limited.';
comment on column trade.decisions.stop_ok is 'No stop loss today; null where a stop does not end the day.';

insert into ref.strategies (
  strategy, version, ts_created, enabled, signal_routine, structure, underlying, option_root, account, period_ms, ma_minutes,
  sell_on_cross_up, cooldown_ms, cooldown_from_exit, front_buffer_min, back_buffer_min, slots, contracts, trading_capital,
  take_profit_ratio, stop_loss_ratio, exit_on_reverse, reversal_valid_ms, entry_valid_ms, exit_reprice_ms, exit_reprice_ticks,
  exit_market_after_ms, max_day_loss, max_orders_per_day, max_orders_per_minute, latency_ms, partial_fills, fill_ratio, exit_mark,
  flat_at_close, max_entries_per_day, stop_ends_day, blackout_min, entry_times, dte_targets, delta_targets, spread_width,
  max_leg_spread, max_spread_cost, min_credit, score_weights
) values (
  'spx_credit_vertical', 1, localtimestamp(0), true, 'signal.spx_credit_vertical', 'credit_vertical', 'SPX', 'SPXW', 'spx_credit_vertical',
  1800000, 9, 'put', 0, 'none', 30, 30, 1, 1, 5000000, 0.5, 2.0, false, 0, 60000, 60000, 1, 300000, 25000, 20, 4, 0, false, 0.3, 'mid',
  false, 1, true, 120, '{10:00,11:00,12:00}', '{3,5,7}', '{0.10,0.20}', 25, 1.00, 0.40, 0.30, '{1,0.05,0.25}'
);
