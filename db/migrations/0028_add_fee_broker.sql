-- Paper orders of a vertical paid the fees of another broker than the one that it is meant for. For an hour 0019 had the column itself.
alter table ref.strategies
  add column if not exists fee_broker text not null default 'schwab' constraint strategies_fee_broker_check check (fee_broker in ('schwab', 'tradier'));
comment on column ref.strategies.fee_broker is 'Whose fees (ref.fee_schedules) paper orders pay: those of the broker that it is meant for.';
alter table ref.strategies disable trigger append_only;
update ref.strategies set fee_broker = 'tradier' where structure = 'credit_vertical' and fee_broker <> 'tradier';
alter table ref.strategies enable trigger append_only;
