-- Runs and what they did. Facts are append-only; the one mutable trade table is position_slots.
create table trade.runs (
  run_id bigint generated always as identity constraint runs_pk primary key,
  mode text not null constraint runs_mode_check check (mode in ('live', 'replay', 'backtest')),
  strategy text not null,
  version integer not null,
  account text not null,
  broker text not null,
  instrument_id integer not null constraint runs_instrument_fk references ref.instruments (instrument_id),
  tick_feed_id smallint not null constraint runs_tick_feed_fk references ref.feeds (feed_id),
  quote_feed_id smallint not null constraint runs_quote_feed_fk references ref.feeds (feed_id),
  quote_source text not null constraint runs_quote_source_check check (quote_source in ('recorded', 'modelled', 'simulated')),
  params jsonb not null,
  stale_after_ms integer not null,
  grace_ms integer not null constraint runs_grace_check check (grace_ms >= 0),
  max_decision_age_ms integer,
  code_hash text not null,
  ts_from timestamp not null,
  ts_to timestamp not null,
  ts_created timestamp not null,
  ts_ended timestamp,
  outcome text constraint runs_outcome_check check (outcome in ('completed', 'stopped', 'failed')),
  constraint runs_strategy_fk foreign key (strategy, version) references ref.strategies (strategy, version),
  constraint runs_range_check check (ts_from < ts_to),
  constraint runs_ended_check check ((ts_ended is null) = (outcome is null))
);
create unique index runs_one_live_idx on trade.runs (account) where mode = 'live' and ts_ended is null;
comment on table trade.runs is 'A run: live, replay or backtest of one strategy version over a range. Written by trade.open_run; only its end is set later.';
comment on column trade.runs.run_id is 'Key; carried by everything a run writes.';
comment on column trade.runs.mode is 'live, replay or backtest.';
comment on column trade.runs.strategy is 'ref.strategies.';
comment on column trade.runs.version is 'ref.strategies.';
comment on column trade.runs.account is 'Account traded; replay-N and backtest-N for simulated ones.';
comment on column trade.runs.broker is 'Who fills: paper, or a broker''s name.';
comment on column trade.runs.instrument_id is 'The underlying.';
comment on column trade.runs.tick_feed_id is 'Feed of the ticks.';
comment on column trade.runs.quote_feed_id is 'Feed of the option quotes.';
comment on column trade.runs.quote_source is 'recorded, modelled or simulated: printed with every result.';
comment on column trade.runs.params is 'The strategy row that the run uses, with the run''s own settings applied.';
comment on column trade.runs.stale_after_ms is 'A quote older than this bars entries.';
comment on column trade.runs.grace_ms is 'Periods wait this long for late ticks.';
comment on column trade.runs.max_decision_age_ms is 'An entry decision older than this at as_of is skipped as late; null in replays and backtests.';
comment on column trade.runs.code_hash is 'Hash of the migrations and routines that it ran on.';
comment on column trade.runs.ts_from is 'Start of its range, Eastern.';
comment on column trade.runs.ts_to is 'End of its range (exclusive), Eastern.';
comment on column trade.runs.ts_created is 'When it was opened, Eastern.';
comment on column trade.runs.ts_ended is 'When it ended, Eastern; null while it is open.';
comment on column trade.runs.outcome is 'completed, stopped or failed.';

create table trade.slices (
  run_id bigint not null constraint slices_run_fk references trade.runs (run_id),
  ts_from timestamp not null,
  ts_to timestamp not null,
  ts_as_of timestamp not null,
  periods integer not null,
  revisions integer not null,
  signals integer not null,
  fills integer not null,
  constraint slices_pk primary key (run_id, ts_to),
  -- A second writer that did not see the slice before it begins where that one began.
  constraint slices_from_key unique (run_id, ts_from),
  constraint slices_range_check check (ts_from < ts_to)
);
comment on table trade.slices is 'What trade.advance has done: the ranges of a run, end to end. Facts, append-only. Written by trade.advance.';
comment on column trade.slices.run_id is 'trade.runs.';
comment on column trade.slices.ts_from is 'Start of the slice: ticks and quotes in [ts_from, ts_to), period closes in (ts_from, ts_to].';
comment on column trade.slices.ts_to is 'End of the slice.';
comment on column trade.slices.ts_as_of is 'What was received later did not exist.';
comment on column trade.slices.periods is 'Periods that closed.';
comment on column trade.slices.revisions is 'Revisions that late rows caused.';
comment on column trade.slices.signals is 'Signals.';
comment on column trade.slices.fills is 'Fills.';

create table trade.decisions (
  decision_id bigint generated always as identity constraint decisions_pk primary key,
  run_id bigint not null constraint decisions_run_fk references trade.runs (run_id),
  ts timestamp not null,
  kind text not null constraint decisions_kind_check check (kind in ('entry', 'exit')),
  verdict text not null constraint decisions_verdict_check check (verdict in ('TRADE', 'SKIP')),
  reason text not null,
  session_date date not null,
  direction smallint,
  position_id bigint constraint decisions_position_fk references trade.decisions (decision_id),
  instrument_id integer,
  trigger_px_e4 integer,
  quote_ts timestamp,
  window_min integer,
  window_from_min integer,
  window_to_min integer,
  window_ok boolean,
  age_ms bigint,
  age_max_ms integer,
  age_ok boolean,
  halt_ok boolean,
  cooldown_ms bigint,
  cooldown_min_ms integer,
  cooldown_ok boolean,
  open_slots smallint,
  max_slots smallint,
  slots_ok boolean,
  bid_e4 integer,
  ask_e4 integer,
  quote_age_ms bigint,
  quote_age_max_ms integer,
  quote_ok boolean,
  capital numeric(16, 2),
  capital_max numeric(16, 2),
  capital_ok boolean,
  day_pl numeric(16, 2),
  day_pl_min numeric(16, 2),
  day_pl_ok boolean,
  orders_day integer,
  orders_day_max integer,
  orders_minute integer,
  orders_minute_max integer,
  orders_ok boolean
);
create unique index decisions_entry_key on trade.decisions (run_id, ts) where kind = 'entry';
create unique index decisions_exit_key on trade.decisions (position_id) where kind = 'exit';
create index decisions_run_idx on trade.decisions (run_id, ts) where verdict = 'TRADE';
comment on table trade.decisions is
  'Decisions: one entry decision for every period of a run, TRADE or SKIP, with every gate''s value, threshold and verdict (null where a gate has nothing to '
  'judge), and one exit decision per position. Facts, append-only. Written by trade.advance.';
comment on column trade.decisions.decision_id is 'Key.';
comment on column trade.decisions.run_id is 'trade.runs.';
comment on column trade.decisions.ts is 'When it was taken in event time, Eastern.';
comment on column trade.decisions.kind is 'entry or exit.';
comment on column trade.decisions.verdict is 'TRADE or SKIP.';
comment on column trade.decisions.reason is 'Entry: the signal that it follows, reversal, or the first gate that failed. Exit: take_profit, stop_loss, reverse, forced_flat.';
comment on column trade.decisions.session_date is 'ref.sessions.';
comment on column trade.decisions.direction is 'Of the signal: 1 up, -1 down, null without one.';
comment on column trade.decisions.position_id is 'Of an exit: the entry decision whose position it closes.';
comment on column trade.decisions.instrument_id is 'The contract.';
comment on column trade.decisions.trigger_px_e4 is 'Entry: the bid it would sell at. Exit: the ask that it saw.';
comment on column trade.decisions.quote_ts is 'Time of the quote that it saw.';
comment on column trade.decisions.window_min is 'Gate window: minutes since the open.';
comment on column trade.decisions.window_from_min is 'Gate window: first minute on which entries are allowed.';
comment on column trade.decisions.window_to_min is 'Gate window: minute from which they are not.';
comment on column trade.decisions.window_ok is 'Gate window: verdict.';
comment on column trade.decisions.age_ms is 'Gate late: as_of minus ts; null outside live runs.';
comment on column trade.decisions.age_max_ms is 'Gate late: threshold.';
comment on column trade.decisions.age_ok is 'Gate late: verdict.';
comment on column trade.decisions.halt_ok is 'Gate halt: false while trade.controls halts entries.';
comment on column trade.decisions.cooldown_ms is 'Gate cooldown: time since the last acted entry signal or counted exit of the session; null if none.';
comment on column trade.decisions.cooldown_min_ms is 'Gate cooldown: threshold.';
comment on column trade.decisions.cooldown_ok is 'Gate cooldown: verdict.';
comment on column trade.decisions.open_slots is 'Gate position: slots taken (a position being reversed does not count).';
comment on column trade.decisions.max_slots is 'Gate position: slots allowed.';
comment on column trade.decisions.slots_ok is 'Gate position: verdict.';
comment on column trade.decisions.bid_e4 is 'Gate quote: bid of the contract, 1/10,000 dollar.';
comment on column trade.decisions.ask_e4 is 'Gate quote: ask of the contract, 1/10,000 dollar.';
comment on column trade.decisions.quote_age_ms is 'Gate quote: age of the quote.';
comment on column trade.decisions.quote_age_max_ms is 'Gate quote: threshold.';
comment on column trade.decisions.quote_ok is 'Gate quote: false if missing, one-sided, crossed or stale.';
comment on column trade.decisions.capital is 'Gate capital: strike x multiplier x contracts, open positions included, dollars.';
comment on column trade.decisions.capital_max is 'Gate capital: trading capital, dollars.';
comment on column trade.decisions.capital_ok is 'Gate capital: verdict.';
comment on column trade.decisions.day_pl is 'Gate day loss: realised net of the session, dollars.';
comment on column trade.decisions.day_pl_min is 'Gate day loss: threshold, dollars.';
comment on column trade.decisions.day_pl_ok is 'Gate day loss: verdict.';
comment on column trade.decisions.orders_day is 'Gate orders: orders of the session.';
comment on column trade.decisions.orders_day_max is 'Gate orders: threshold.';
comment on column trade.decisions.orders_minute is 'Gate orders: orders of the last 60 s.';
comment on column trade.decisions.orders_minute_max is 'Gate orders: threshold.';
comment on column trade.decisions.orders_ok is 'Gate orders: verdict.';

create table trade.order_intents (
  intent_id bigint generated always as identity constraint order_intents_pk primary key,
  run_id bigint not null,
  decision_id bigint not null constraint order_intents_decision_fk references trade.decisions (decision_id),
  position_id bigint not null constraint order_intents_position_fk references trade.decisions (decision_id),
  attempt smallint not null constraint order_intents_attempt_check check (attempt > 0),
  purpose text not null constraint order_intents_purpose_check check (purpose in ('entry', 'exit')),
  ts timestamp not null,
  order_type text not null constraint order_intents_type_check check (order_type in ('limit', 'market')),
  limit_px_e4 integer,
  qty integer not null constraint order_intents_qty_check check (qty > 0),
  slot smallint not null,
  ts_valid_until timestamp,
  depends_on_id bigint constraint order_intents_depends_fk references trade.decisions (decision_id),
  constraint order_intents_key unique (decision_id, attempt),
  constraint order_intents_limit_check check ((order_type = 'limit') = (limit_px_e4 is not null))
);
create index order_intents_position_idx on trade.order_intents (position_id);
create index order_intents_run_idx on trade.order_intents (run_id, ts);
comment on table trade.order_intents is
  'Order intents (table 7 of the specification): committed before anything is sent. A re-priced exit is a further attempt. Facts, append-only. '
  'Written by trade.advance.';
comment on column trade.order_intents.intent_id is 'Key.';
comment on column trade.order_intents.run_id is 'trade.runs.';
comment on column trade.order_intents.decision_id is 'The decision that it carries out.';
comment on column trade.order_intents.position_id is 'The entry decision of its position.';
comment on column trade.order_intents.attempt is '1, 2, …: each replaces the one before.';
comment on column trade.order_intents.purpose is 'entry or exit.';
comment on column trade.order_intents.ts is 'When it was written in event time, Eastern.';
comment on column trade.order_intents.order_type is 'limit or market.';
comment on column trade.order_intents.limit_px_e4 is 'Limit, 1/10,000 dollar.';
comment on column trade.order_intents.qty is 'Contracts still to be filled by this attempt.';
comment on column trade.order_intents.slot is 'trade.position_slots.';
comment on column trade.order_intents.ts_valid_until is 'Cancelled if unfilled by then; null stands until replaced.';
comment on column trade.order_intents.depends_on_id is 'Of a reversal: the exit decision that must fill first.';

create table trade.order_intent_legs (
  intent_id bigint not null constraint order_intent_legs_intent_fk references trade.order_intents (intent_id),
  decision_id bigint not null,
  attempt smallint not null,
  leg_no smallint not null,
  instrument_id integer not null,
  side text not null constraint order_intent_legs_side_check check (side in ('buy', 'sell')),
  effect text not null constraint order_intent_legs_effect_check check (effect in ('open', 'close')),
  qty integer not null constraint order_intent_legs_qty_check check (qty > 0),
  constraint order_intent_legs_pk primary key (intent_id, leg_no),
  constraint order_intent_legs_key unique (decision_id, leg_no, side, attempt)
);
comment on table trade.order_intent_legs is 'Legs of an order intent. Facts, append-only. Written by trade.advance.';
comment on column trade.order_intent_legs.intent_id is 'trade.order_intents.';
comment on column trade.order_intent_legs.decision_id is 'The decision: with leg, side and attempt it can exist once.';
comment on column trade.order_intent_legs.attempt is 'As in trade.order_intents.';
comment on column trade.order_intent_legs.leg_no is '1, 2, …';
comment on column trade.order_intent_legs.instrument_id is 'The contract.';
comment on column trade.order_intent_legs.side is 'buy or sell.';
comment on column trade.order_intent_legs.effect is 'open or close.';
comment on column trade.order_intent_legs.qty is 'Contracts.';

create table trade.order_transitions (
  from_state text not null,
  to_state text not null,
  constraint order_transitions_pk primary key (from_state, to_state)
);
comment on table trade.order_transitions is 'The order state machine: allowed transitions. Written by migrations.';
comment on column trade.order_transitions.from_state is 'State before.';
comment on column trade.order_transitions.to_state is 'State after.';
insert into trade.order_transitions values
  ('created', 'denied'), ('created', 'submitted'), ('created', 'canceled'),
  ('submitted', 'accepted'), ('submitted', 'unknown'), ('submitted', 'partially_filled'), ('submitted', 'filled'),
  ('submitted', 'rejected'), ('submitted', 'canceled'), ('submitted', 'expired'),
  ('unknown', 'accepted'), ('unknown', 'partially_filled'), ('unknown', 'filled'), ('unknown', 'rejected'),
  ('unknown', 'canceled'), ('unknown', 'expired'),
  ('accepted', 'partially_filled'), ('accepted', 'filled'), ('accepted', 'canceled'), ('accepted', 'rejected'),
  ('accepted', 'expired'), ('accepted', 'unknown'),
  ('partially_filled', 'partially_filled'), ('partially_filled', 'filled'), ('partially_filled', 'canceled'),
  ('partially_filled', 'expired'), ('partially_filled', 'unknown'),
  ('canceled', 'partially_filled'), ('canceled', 'filled');

create table trade.order_events (
  event_id bigint generated always as identity constraint order_events_pk primary key,
  intent_id bigint not null constraint order_events_intent_fk references trade.order_intents (intent_id),
  run_id bigint not null,
  ts timestamp not null,
  state text not null constraint order_events_state_check check (
    state in ('denied', 'submitted', 'unknown', 'accepted', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired')
  ),
  venue_order_id text,
  detail text
);
create index order_events_intent_idx on trade.order_events (intent_id, event_id);
comment on table trade.order_events is
  'What happened to orders (table 8 of the specification). An intent without events is created. Facts, append-only. Written by trade.advance and the brokers'' jobs.';
comment on column trade.order_events.event_id is 'Key; the order of events.';
comment on column trade.order_events.intent_id is 'trade.order_intents.';
comment on column trade.order_events.run_id is 'trade.runs.';
comment on column trade.order_events.ts is 'When it happened, Eastern.';
comment on column trade.order_events.state is 'State from then on; trade.order_transitions says which may follow which.';
comment on column trade.order_events.venue_order_id is 'Their order id.';
comment on column trade.order_events.detail is 'In their words.';

create table trade.fills (
  fill_id bigint generated always as identity constraint fills_pk primary key,
  run_id bigint not null,
  intent_id bigint not null constraint fills_intent_fk references trade.order_intents (intent_id),
  position_id bigint not null constraint fills_position_fk references trade.decisions (decision_id),
  leg_no smallint not null,
  account text not null,
  execution_id text not null,
  ts timestamp not null,
  instrument_id integer not null,
  side text not null constraint fills_side_check check (side in ('buy', 'sell')),
  effect text not null constraint fills_effect_check check (effect in ('open', 'close')),
  qty integer not null constraint fills_qty_check check (qty > 0),
  px_e4 integer not null constraint fills_price_check check (px_e4 >= 0),
  commission numeric(12, 4) not null,
  fees numeric(12, 4) not null,
  quote_ts timestamp,
  quote_seq bigint,
  constraint fills_execution_key unique (account, execution_id)
);
create index fills_position_idx on trade.fills (position_id);
create index fills_run_idx on trade.fills (run_id, ts);
comment on table trade.fills is 'Our executions (table 8 of the specification). Facts, append-only. Written by trade.paper_fill and the brokers'' jobs.';
comment on column trade.fills.fill_id is 'Key.';
comment on column trade.fills.run_id is 'trade.runs.';
comment on column trade.fills.intent_id is 'The order intent that it fills.';
comment on column trade.fills.position_id is 'The entry decision of its position.';
comment on column trade.fills.leg_no is 'Leg of the intent.';
comment on column trade.fills.account is 'Account.';
comment on column trade.fills.execution_id is 'Broker''s execution id: a fill is attributed once.';
comment on column trade.fills.ts is 'When it was executed, Eastern.';
comment on column trade.fills.instrument_id is 'The contract.';
comment on column trade.fills.side is 'buy or sell.';
comment on column trade.fills.effect is 'open or close.';
comment on column trade.fills.qty is 'Contracts.';
comment on column trade.fills.px_e4 is 'Price, 1/10,000 dollar.';
comment on column trade.fills.commission is 'Dollars.';
comment on column trade.fills.fees is 'Dollars.';
comment on column trade.fills.quote_ts is 'Of a paper fill: time of the quote that filled it.';
comment on column trade.fills.quote_seq is 'Of a paper fill: sequence of that quote.';

create table trade.broker_positions (
  account text not null,
  ts timestamp not null,
  instrument_id integer not null constraint broker_positions_instrument_fk references ref.instruments (instrument_id),
  qty integer not null,
  avg_px_e4 integer,
  market_value numeric(16, 2),
  constraint broker_positions_pk primary key (account, ts, instrument_id)
);
comment on table trade.broker_positions is 'Positions as the broker reports them (table 3 of the specification). Facts, append-only. Written by the positions ingester.';
comment on column trade.broker_positions.account is 'Account.';
comment on column trade.broker_positions.ts is 'When they were read, Eastern.';
comment on column trade.broker_positions.instrument_id is 'The contract or share.';
comment on column trade.broker_positions.qty is 'Contracts or shares, negative when short.';
comment on column trade.broker_positions.avg_px_e4 is 'Average price, 1/10,000 dollar.';
comment on column trade.broker_positions.market_value is 'Dollars.';

create table trade.position_slots (
  account text not null,
  strategy text not null,
  slot smallint not null,
  position_id bigint constraint position_slots_position_fk references trade.decisions (decision_id),
  ts_claimed timestamp,
  constraint position_slots_pk primary key (account, strategy, slot),
  constraint position_slots_claim_check check ((position_id is null) = (ts_claimed is null))
);
create unique index position_slots_position_key on trade.position_slots (position_id);
comment on table trade.position_slots is
  'One row per position that a strategy may hold: claimed by the entry intent, freed when flat. The one mutable trade table. Written by trade.advance.';
comment on column trade.position_slots.account is 'Account.';
comment on column trade.position_slots.strategy is 'Strategy.';
comment on column trade.position_slots.slot is '1, 2, …';
comment on column trade.position_slots.position_id is 'Entry decision of the position in it; null is free.';
comment on column trade.position_slots.ts_claimed is 'Since when, Eastern.';

create table trade.controls (
  control_id bigint generated always as identity constraint controls_pk primary key,
  ts timestamp not null default localtimestamp,
  account text,
  halted boolean not null,
  set_by text not null default current_user,
  reason text not null
);
comment on table trade.controls is
  'The kill switch: the last row of an account, and the last row without one, decide whether entries are halted. Exits never are. '
  'Facts, append-only. Written by anyone who may trade, operators included.';
comment on column trade.controls.control_id is 'Key.';
comment on column trade.controls.ts is 'From when it holds, Eastern.';
comment on column trade.controls.account is 'Account; null is all of them.';
comment on column trade.controls.halted is 'True halts entries, false resumes them.';
comment on column trade.controls.set_by is 'Who.';
comment on column trade.controls.reason is 'Why.';

select engine.make_append_only(t) from unnest(array[
  'trade.slices', 'trade.decisions', 'trade.order_intents', 'trade.order_intent_legs', 'trade.order_events', 'trade.fills',
  'trade.broker_positions', 'trade.controls'
]::regclass[]) as t;
grant select on all tables in schema trade to job_runner, backup;
grant insert on trade.runs, trade.slices, trade.decisions, trade.order_intents, trade.order_intent_legs, trade.order_events,
  trade.fills, trade.broker_positions, trade.position_slots, trade.controls to job_runner;
grant update (ts_ended, outcome) on trade.runs to job_runner;
grant update (position_id, ts_claimed) on trade.position_slots to job_runner;

-- Ids are drawn before the rows are written: rows of one slice refer to each other and go in together.
grant usage on all sequences in schema trade to job_runner;

-- The walker's memory of one slot and of one session, between the events of a slice. Every field can be read back from facts.
create type trade.slot_state as (
  slot smallint,
  phase text,
  position_id bigint,
  ts_entry timestamp,
  instrument_id integer,
  multiplier integer,
  direction smallint,
  capital numeric,
  qty integer,
  notional_e4 bigint,
  cost numeric,
  closed_qty integer,
  closed_notional_e4 bigint,
  fill_ts timestamp,
  fill_seq bigint,
  intent_id bigint,
  decision_id bigint,
  attempt smallint,
  side text,
  limit_px_e4 integer,
  first_limit_px_e4 integer,
  rest_qty integer,
  ts_active timestamp,
  ts_until timestamp,
  ts_exit timestamp,
  rev_position_id bigint,
  ts_rev_entry timestamp,
  rev_intent_id bigint,
  rev_instrument_id integer,
  rev_multiplier integer,
  rev_direction smallint,
  rev_capital numeric,
  rev_limit_px_e4 integer,
  rev_qty integer,
  ts_rev_until timestamp,
  ev_kind text,
  ev_ts timestamp,
  ev_seq bigint,
  ev_px_e4 integer,
  ev_sz integer
);
comment on type trade.slot_state is
  'One slot while a slice is walked: phase free, entering, open or exiting; the position; the working order (intent_id … ts_until); a '
  'reversal that waits for the exit to fill (rev_*); and its next event before the step at hand (ev_*).';

create type trade.session_state as (
  session_date date,
  ts_open timestamp,
  ts_close timestamp,
  ts_option_close timestamp,
  ts_entry_from timestamp,
  ts_flat timestamp,
  ts_last_acted timestamp,
  ts_last_exit timestamp,
  day_pl numeric,
  orders_day integer,
  recent_orders timestamp[]
);
comment on type trade.session_state is 'What the gates remember of one session: it starts empty at every open.';

create type trade.quote_tape as (
  instrument_id integer,
  ts timestamp[],
  seq bigint[],
  bid_e4 integer[],
  ask_e4 integer[],
  bid_sz integer[],
  ask_sz integer[]
);
comment on type trade.quote_tape is 'One contract''s quotes of a slice in the order of (ts, seq), read once: the walker looks at nothing else for fills and exits.';

create type trade.journal as (
  decisions trade.decisions[],
  intents trade.order_intents[],
  legs trade.order_intent_legs[],
  events trade.order_events[],
  fills trade.fills[]
);
comment on type trade.journal is 'Rows that a slice is going to write: collected event by event, inserted together by trade.write_journal.';

create type trade.gate_state as (
  ts timestamp,
  open_slots smallint,
  open_capital numeric,
  has_room boolean,
  ts_last timestamp,
  day_pl numeric,
  orders_day integer,
  recent_orders timestamp[]
);
comment on type trade.gate_state is
  'What the gates that depend on our own past see from ts on: slots and capital taken, last acted signal or counted exit, realised net, orders.';
