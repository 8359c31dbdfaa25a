create or replace view panel.latency_samples as
select s.ts, s.stage, s.micros / 1000.0::double precision as ms, s.sample_id
from ops.latency_samples s;
comment on view panel.latency_samples is 'Measured latencies by stage.';
comment on column panel.latency_samples.ts is 'When, Eastern.';
comment on column panel.latency_samples.stage is 'What was measured, e.g. advance.';
comment on column panel.latency_samples.ms is 'Milliseconds.';
comment on column panel.latency_samples.sample_id is 'Key.';
grant select on panel.latency_samples to grafana_reader, job_runner, backup;
