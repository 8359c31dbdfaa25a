create or replace view panel.halts as
select distinct on (c.account)
  coalesce(c.account, 'all accounts') as account,
  c.halted,
  c.ts,
  c.reason,
  c.set_by
from trade.controls c
order by c.account, c.control_id desc;
comment on view panel.halts is
  'The kill switch: the last word on every account, and on all of them. Entries are barred where either says so; exits never are. No row: never touched.';
comment on column panel.halts.account is 'Account, or all accounts.';
comment on column panel.halts.halted is 'True while entries are halted.';
comment on column panel.halts.ts is 'Since when, Eastern.';
comment on column panel.halts.reason is 'Why.';
comment on column panel.halts.set_by is 'Database user who set it.';
grant select on panel.halts to grafana_reader, job_runner, backup;
