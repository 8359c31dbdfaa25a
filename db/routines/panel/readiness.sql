create or replace view panel.readiness as
select distinct on (c.name)
  c.name,
  c.ok,
  c.detail,
  c.ts
from ops.readiness_checks c
order by c.name, c.ts desc, c.check_id desc;
comment on view panel.readiness is 'The last result of every readiness check. At a real broker a red one of today, or none for three minutes, bars entries.';
comment on column panel.readiness.name is 'What was checked; broker token is the life of the broker''s login.';
comment on column panel.readiness.ok is 'Verdict.';
comment on column panel.readiness.detail is 'What was found and what to do.';
comment on column panel.readiness.ts is 'When, Eastern.';
grant select on panel.readiness to grafana_reader, job_runner, backup;
