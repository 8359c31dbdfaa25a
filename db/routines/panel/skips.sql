create or replace view panel.skips as
select d.run_id, d.ts, d.session_date, d.reason, d.direction is not null as has_signal, 1 as periods
from trade.decisions d
where d.kind = 'entry' and d.verdict = 'SKIP'
union all
select s.run_id, s.ts, s.session_date, s.reason, s.has_signal, s.periods
from trade.skip_counts s;
comment on view panel.skips is
  'Why periods were not traded, to be added up: a row for each decision to skip, or, of a run that keeps trades alone (panel.runs.keeps), one for all of a session '
  'and reason. Filter on run_id.';
comment on column panel.skips.run_id is 'panel.runs.';
comment on column panel.skips.ts is 'Close of the period, or of the first of them, Eastern.';
comment on column panel.skips.session_date is 'The session.';
comment on column panel.skips.reason is 'no_signal, the rule''s own reason, or the first gate that failed.';
comment on column panel.skips.has_signal is 'Whether there was a signal, which a gate then stopped.';
comment on column panel.skips.periods is 'How many periods.';
grant select on panel.skips to grafana_reader, job_runner, backup;
