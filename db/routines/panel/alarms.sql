create or replace view panel.alarms as
select a.alarm, a.value, a.threshold, a.is_firing, a.detail
from panel.alarms_at(localtimestamp) a;
comment on view panel.alarms is 'The alarms of this moment, by the database''s clock: panel.alarms_at(). One row each, firing or not.';
comment on column panel.alarms.alarm is
  'stale_feed, missing_decision, unknown_order, position_mismatch, exit_not_filled, day_loss, halt or token_life.';
comment on column panel.alarms.value is 'Seconds, a number or a share, as panel.alarms_at() says.';
comment on column panel.alarms.threshold is 'It fires at this value and above.';
comment on column panel.alarms.is_firing is 'True while it does.';
comment on column panel.alarms.detail is 'What it is about.';
grant select on panel.alarms to grafana_reader, job_runner, backup;
