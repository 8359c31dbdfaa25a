-- Orders at a real broker: cancels are intents too, writers carry an epoch, short options have a resting stop.
create table trade.cancel_requests (
  cancel_id bigint generated always as identity constraint cancel_requests_pk primary key,
  run_id bigint not null,
  intent_id bigint not null constraint cancel_requests_intent_fk references trade.order_intents (intent_id),
  ts timestamp not null,
  reason text not null
);
create index cancel_requests_intent_idx on trade.cancel_requests (intent_id);
comment on table trade.cancel_requests is
  'Orders that are to be canceled: decided like the orders themselves, carried out by the submit job. The order stands until its events say that it has '
  'ended. Paper orders are canceled at once and have none. Facts, append-only. Written by trade.advance.';
comment on column trade.cancel_requests.cancel_id is 'Key.';
comment on column trade.cancel_requests.run_id is 'trade.runs.';
comment on column trade.cancel_requests.intent_id is 'The order.';
comment on column trade.cancel_requests.ts is 'When it was decided in event time, Eastern.';
comment on column trade.cancel_requests.reason is 'Why.';

create table trade.fences (
  account text constraint fences_pk primary key,
  epoch bigint not null,
  holder text not null,
  ts timestamp not null
);
comment on table trade.fences is
  'Who may write an account''s orders: the process of the highest epoch. What an earlier one still writes is refused (SB010). Written by trade.take_fence.';
comment on column trade.fences.account is 'Account.';
comment on column trade.fences.epoch is 'Counts the processes that took the account over.';
comment on column trade.fences.holder is 'The last of them.';
comment on column trade.fences.ts is 'Since when, Eastern.';

create table trade.reconciliations (
  reconciliation_id bigint generated always as identity constraint reconciliations_pk primary key,
  account text not null,
  ts timestamp not null,
  is_ok boolean not null,
  detail text not null
);
create index reconciliations_account_idx on trade.reconciliations (account, ts);
comment on table trade.reconciliations is
  'Passes over orders and positions at the broker; without a recent one that was ok there are no entries. Facts, append-only. Written by the reconcile job.';
comment on column trade.reconciliations.reconciliation_id is 'Key.';
comment on column trade.reconciliations.account is 'Account.';
comment on column trade.reconciliations.ts is 'When it ended, Eastern.';
comment on column trade.reconciliations.is_ok is 'True when the broker''s orders and positions are ours.';
comment on column trade.reconciliations.detail is 'What was found.';

alter table trade.order_events add column epoch bigint, add column qty integer;
comment on column trade.order_events.epoch is 'trade.fences: of the process that wrote it; null for paper orders.';
comment on column trade.order_events.qty is
  'Of submitted: contracts sent, never more than the intent asks for. Of partially_filled: contracts filled by then.';
-- What bars entries is looked for before every one of them, and is rare.
create index order_events_unknown_idx on trade.order_events (run_id) where state = 'unknown';
create index runs_live_idx on trade.runs (account, ts_to) where mode = 'live';

alter table trade.order_intents
  add column stop_px_e4 integer,
  drop constraint order_intents_purpose_check,
  drop constraint order_intents_type_check,
  add constraint order_intents_purpose_check check (purpose in ('entry', 'exit', 'protect')),
  add constraint order_intents_type_check check (order_type in ('limit', 'market', 'stop')),
  add constraint order_intents_stop_check check ((order_type = 'stop') = (stop_px_e4 is not null));
comment on column trade.order_intents.purpose is
  'entry, exit, or protect: a stop that rests at the broker while a short option is open, should we and our database be gone.';
comment on column trade.order_intents.order_type is 'limit, market or stop.';
comment on column trade.order_intents.stop_px_e4 is 'Of a stop: 1/10,000 dollar.';

alter table ref.strategies
  add column protect_ratio numeric(8, 4) not null default 2.0 constraint strategies_protect_check check (protect_ratio > 1);
comment on column ref.strategies.protect_ratio is
  'Stop of the order that rests at a real broker while a position is open, as a multiple of the stop loss (of twice the credit where there is none): for '
  'the day that this machine is gone.';

insert into trade.order_transitions values
  ('expired', 'partially_filled'), ('expired', 'filled');

alter type trade.journal add attribute cancels trade.cancel_requests[];

alter type trade.slot_state add attribute ev_quote_ts timestamp;
alter type trade.slot_state add attribute is_reversed boolean;
comment on type trade.slot_state is
  'One slot while a slice is walked: phase free, entering, open, exiting, or ended (at a broker: flat, and nothing of it works any more); the position; '
  'the working order (intent_id … ts_until; ts_until infinity: its cancel is on the way); whether its signal has turned before the slice; a reversal that '
  'waits for the exit to fill (rev_*); and its next event before the step at hand (ev_*).';

select engine.make_append_only(t) from unnest(array['trade.cancel_requests', 'trade.reconciliations']::regclass[]) as t;
grant select on trade.cancel_requests, trade.fences, trade.reconciliations to job_runner, backup;
grant insert on trade.cancel_requests, trade.fences, trade.reconciliations to job_runner;
grant update on trade.fences to job_runner;
grant usage on all sequences in schema trade to job_runner;
