-- New statistics of a table make every session plan anew what reads it: after each automatic analyze the next slice of a live run took 20 to 50 ms longer,
-- once a minute while the tables were young. Slices read by key whatever the statistics say (engine.plan_by_key), and a few thousand rows need none.
do $$
declare
  v_table record;
begin
  for v_table in
    select t.schemaname, t.tablename from pg_catalog.pg_tables t where t.schemaname in ('signal', 'trade', 'ops') order by 1, 2
  loop
    execute format('alter table %I.%I set (autovacuum_analyze_threshold = 5000)', v_table.schemaname, v_table.tablename);
  end loop;
end
$$;
-- A row of each stream or process, written hundreds of times a second: there is nothing to learn of them.
alter table ops.stream_marks set (autovacuum_analyze_threshold = 2147483647);
alter table ops.heartbeats set (autovacuum_analyze_threshold = 2147483647);
