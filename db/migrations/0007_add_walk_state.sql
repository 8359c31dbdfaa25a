-- A run's rows name it without a foreign key, as those of signal.periods do: checking it for every period costs more than writing the row.
alter table trade.decisions drop constraint decisions_run_fk;

-- The walker hands its memory from function to function in one piece.
alter type trade.session_state add attribute commission_per_contract numeric;
alter type trade.session_state add attribute fees_per_contract numeric;
alter type trade.session_state add attribute sell_fees_per_contract numeric;

create type trade.walk_state as (
  slot trade.slot_state,
  day trade.session_state,
  journal trade.journal
);
comment on type trade.walk_state is 'What an event of one slot may change: the slot, the session''s memory, the rows to write.';

create type trade.face as (
  ts timestamp,
  session_date date,
  direction smallint,
  instrument_id integer,
  bid_e4 integer,
  ask_e4 integer,
  quote_ts timestamp,
  capital numeric,
  window_ok boolean,
  age_ok boolean,
  quote_ok boolean
);
comment on type trade.face is
  'A period that has closed, as the entry gates face it: its signal, the contract that it would sell with its quote, the capital that takes, and the gates '
  'that do not depend on our own past.';

create type trade.entry_mark as (
  ts timestamp,
  decision_id bigint,
  is_reversal boolean
);
comment on type trade.entry_mark is 'An entry that a walk has made: its period and the id of its decision.';

grant execute on function engine.plan_by_key() to job_runner;
