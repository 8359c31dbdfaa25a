create or replace function ref.instant(p_ts timestamp) returns timestamptz
language sql immutable parallel safe strict
as $$ select p_ts at time zone 'America/New_York' $$;
comment on function ref.instant(timestamp) is
  'The instant of an Eastern wall-clock time. The hour repeated in autumn (a Sunday night) is taken as standard time.';
grant execute on function ref.instant(timestamp) to ingest_writer, job_runner, grafana_reader, backup;
