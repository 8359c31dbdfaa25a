-- Tables, views and functions with their comments, in the order in which the data dictionary shows them: the same on every engine.
with our_schemas as (
  select n.oid, n.nspname::text as schema, pg_catalog.obj_description(n.oid, 'pg_namespace') as comment,
    array_position(array['panel', 'trade', 'signal', 'market', 'ref', 'ops'], n.nspname::text) as rank
  from pg_catalog.pg_namespace n
  where n.nspname in ('panel', 'trade', 'signal', 'market', 'ref', 'ops')
), relations as (
  select
    s.rank, 1 as kind_rank, s.schema, c.relname::text as name,
    case c.relkind when 'v' then 'view' else 'table' end as kind,
    pg_catalog.obj_description(c.oid, 'pg_class') as comment,
    (
      select jsonb_agg(jsonb_build_array(
        a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(pg_catalog.col_description(a.attrelid, a.attnum), '')
      ) order by a.attnum)
      from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as columns
  from pg_catalog.pg_class c
  join our_schemas s on s.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v')
), functions as (
  -- Those that a reader may call; the others are the rules' own, and db/schema.sql has them.
  select
    s.rank, 2 as kind_rank, s.schema, p.proname::text as name, 'function' as kind,
    pg_catalog.obj_description(p.oid, 'pg_proc') as comment,
    jsonb_build_array(jsonb_build_array(
      format('%s(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)), pg_catalog.pg_get_function_result(p.oid), ''
    )) as columns
  from pg_catalog.pg_proc p
  join our_schemas s on s.oid = p.pronamespace
  where pg_catalog.has_function_privilege('grafana_reader', p.oid, 'execute')
)
select o.schema, s.comment as schema_comment, o.name, o.kind, o.comment, o.columns
from (select * from relations union all select * from functions) o
join our_schemas s on s.schema = o.schema
order by o.rank, o.kind_rank, o.name collate "C", o.columns::text collate "C"
