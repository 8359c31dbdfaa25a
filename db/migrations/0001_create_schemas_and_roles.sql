-- Schemas are modules, roles are import rules: who may write where is decided here and beside each table.
create schema ref;
comment on schema ref is 'Reference data: instruments, sessions, feeds, strategies, fees. Written by migrations and ingest (contracts).';
create schema market;
comment on schema market is 'Raw market data as received, append-only, and its rollups. Written by ingest_writer.';
create schema signal;
comment on schema signal is 'Rules: one routine per rule and indicator, the normalised periods and the signals. Written by job_runner.';
create schema trade;
comment on schema trade is 'Runs, slices, decisions, intents, order events, fills, slots. Written by job_runner.';
create schema panel;
comment on schema panel is 'Views and functions for Grafana, analysts and the command line. Nobody writes here.';
create schema ops;
comment on schema ops is 'Operation: imports, marks, heartbeats, feed states and gaps, readiness, parity reports. Written by all processes.';
comment on schema engine is 'The seam between TimescaleDB and plain PostgreSQL. Written by migrations.';

do $$
declare
  v_role text;
begin
  -- Roles belong to the whole server: another database of this product may have made them, even at this moment.
  foreach v_role in array array['ingest_writer', 'job_runner', 'grafana_reader', 'backup'] loop
    begin
      if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
        execute format('create role %I nologin', v_role);
      end if;
    exception
      when duplicate_object or unique_violation then null;
    end;
  end loop;
  execute format('grant ingest_writer, job_runner, grafana_reader, backup to %I', current_user);
exception
  when others then
    -- A superuser needs no membership; PostgreSQL 15 refuses some grants to it by name.
    if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
      raise;
    end if;
end
$$;

do $$
begin
  execute format('alter database %I set timezone = %L', current_database(), 'America/New_York');
  -- Compiling short statements costs more than it saves: a session's rules ran several times slower with it.
  execute format('alter database %I set jit = off', current_database());
  execute format('revoke temporary on database %I from public', current_database());
  -- The writer stages a batch that may repeat rows in a temporary table.
  execute format('grant temporary on database %I to ingest_writer', current_database());
end
$$;
set timezone = 'America/New_York';

alter default privileges revoke execute on functions from public;
revoke execute on all functions in schema engine from public;
grant usage on schema ref, market, engine to ingest_writer, job_runner, backup;
grant usage on schema signal, trade to job_runner, backup;
grant usage on schema panel to grafana_reader, job_runner, ingest_writer, backup;
grant usage on schema ref to grafana_reader;
grant usage on schema ops to ingest_writer, job_runner, backup;
grant execute on all functions in schema engine to ingest_writer, job_runner;
grant execute on all procedures in schema engine to ingest_writer, job_runner;
