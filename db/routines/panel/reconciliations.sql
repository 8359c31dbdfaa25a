create or replace view panel.reconciliations as
select r.ts, r.account, r.is_ok, r.detail, r.reconciliation_id
from trade.reconciliations r;
comment on view panel.reconciliations is 'Passes over orders and positions at the broker; without a recent one that was ok there are no entries.';
comment on column panel.reconciliations.ts is 'When it ended, Eastern.';
comment on column panel.reconciliations.account is 'Account.';
comment on column panel.reconciliations.is_ok is 'True when the broker''s orders and positions are ours.';
comment on column panel.reconciliations.detail is 'What was found.';
comment on column panel.reconciliations.reconciliation_id is 'Key.';
grant select on panel.reconciliations to grafana_reader, job_runner, backup;
