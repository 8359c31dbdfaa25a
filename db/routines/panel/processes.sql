create or replace view panel.processes as
select
  h.process,
  h.state,
  h.ts,
  greatest(extract(epoch from localtimestamp - h.ts), 0)::double precision as age_s,
  h.detail,
  h.pid
from ops.heartbeats h;
comment on view panel.processes is 'Last sign of life of every process.';
comment on column panel.processes.process is 'Name, e.g. ingest-equities or live-paper.';
comment on column panel.processes.state is 'What it was doing.';
comment on column panel.processes.ts is 'When, Eastern.';
comment on column panel.processes.age_s is 'Seconds since then, by the database''s clock.';
comment on column panel.processes.detail is 'More, in words.';
comment on column panel.processes.pid is 'Process id.';
grant select on panel.processes to grafana_reader, job_runner, backup;
