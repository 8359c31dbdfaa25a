-- The day's trades as the broker has booked them, against ours.
create table trade.statements (
  statement_id bigint generated always as identity constraint statements_pk primary key,
  account text not null,
  session_date date not null,
  ts timestamp not null,
  orders integer not null,
  our_qty integer not null,
  broker_qty integer not null,
  our_amount numeric(16, 4) not null,
  broker_amount numeric(16, 4) not null,
  our_fees numeric(16, 4) not null,
  broker_fees numeric(16, 4) not null,
  is_ok boolean not null,
  detail text not null
);
create index statements_account_idx on trade.statements (account, session_date, statement_id);
comment on table trade.statements is
  'Daily reconciliations: what an account''s fills of a session come to by our books and by the broker''s transactions. The last of a session counts; while that '
  'of any session within 30 days is not ok, the account is not ready. Facts, append-only. Written by strikebase orders statement.';
comment on column trade.statements.statement_id is 'Key.';
comment on column trade.statements.account is 'Account.';
comment on column trade.statements.session_date is 'The day that was compared.';
comment on column trade.statements.ts is 'When it was compared, Eastern.';
comment on column trade.statements.orders is 'Orders that filled, by either book.';
comment on column trade.statements.our_qty is 'Contracts that changed hands, bought or sold, by our fills.';
comment on column trade.statements.broker_qty is 'The same by the broker''s transactions, in the contracts that our runs trade.';
comment on column trade.statements.our_amount is 'Dollars received less dollars paid, without fees, by our fills.';
comment on column trade.statements.broker_amount is 'The same by the broker''s transactions.';
comment on column trade.statements.our_fees is 'Commission and fees in dollars, by ref.fee_schedules.';
comment on column trade.statements.broker_fees is 'What the broker charged, in dollars.';
comment on column trade.statements.is_ok is 'True when they agree order by order, or when somebody has accepted that they do not.';
comment on column trade.statements.detail is 'What differs, or why it was accepted.';

select engine.make_append_only('trade.statements'::regclass);
grant select on trade.statements to job_runner, backup;
grant insert on trade.statements to job_runner;
grant usage on all sequences in schema trade to job_runner;
