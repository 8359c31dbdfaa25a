create or replace view panel.sessions as
select s.session_date, s.ts_open, s.ts_close, s.ts_option_close, s.is_early_close
from ref.sessions s;
comment on view panel.sessions is 'Exchange days, 2015 to 2035.';
comment on column panel.sessions.session_date is 'The day.';
comment on column panel.sessions.ts_open is 'Open, Eastern.';
comment on column panel.sessions.ts_close is 'Close of equities, Eastern.';
comment on column panel.sessions.ts_option_close is 'Close of the options that trade on after it, Eastern.';
comment on column panel.sessions.is_early_close is 'True on half-days.';
grant select on panel.sessions to grafana_reader, job_runner, backup;
