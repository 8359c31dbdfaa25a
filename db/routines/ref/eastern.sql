create or replace function ref.eastern(p_instant timestamptz) returns timestamp
language sql immutable parallel safe strict
as $$ select p_instant at time zone 'America/New_York' $$;
comment on function ref.eastern(timestamptz) is 'Eastern wall-clock time of an instant. With ref.instant the only conversions in SQL.';
grant execute on function ref.eastern(timestamptz) to ingest_writer, job_runner, grafana_reader, backup;
