create or replace view panel.server as
select
  engine.version() as engine,
  current_database()::text as database,
  pg_database_size(current_database()) as bytes,
  (select count(*) from pg_catalog.pg_stat_activity a where a.datname = current_database()) as connections,
  (select max(m.name) from engine.migrations m) as migration,
  (select max(s.ts) from engine.routine_sets s) as ts_deployed;
comment on view panel.server is 'The database itself: one row.';
comment on column panel.server.engine is 'Engine and server version.';
comment on column panel.server.database is 'Name of the database.';
comment on column panel.server.bytes is 'Its size.';
comment on column panel.server.connections is 'Connections to it.';
comment on column panel.server.migration is 'Last migration.';
comment on column panel.server.ts_deployed is 'When its routines were last deployed, Eastern.';
grant select on panel.server to grafana_reader, job_runner, backup;
grant execute on function engine.version() to grafana_reader, backup;
