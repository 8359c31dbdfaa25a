-- The schema as text, one row per object in the order in which they are printed: the same on every engine and PostgreSQL version.
-- Definitions of views and bodies of functions stand in db/routines; the server would print them differently from version to version.
with our_schemas as (
  select n.oid, n.nspname::text as schema
  from pg_catalog.pg_namespace n
  where n.nspname in ('engine', 'ref', 'market', 'signal', 'trade', 'panel', 'ops')
), our_roles as (
  select r.oid, r.rolname::text as role
  from pg_catalog.pg_roles r
  where r.rolname in ('ingest_writer', 'job_runner', 'grafana_reader', 'backup')
), relations as (
  select c.oid, s.schema, c.relname::text as name, c.relkind, c.relacl, s.schema || '.' || c.relname as full_name
  from pg_catalog.pg_class c
  join our_schemas s on s.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'c')
), columns as (
  select
    a.attrelid as oid,
    string_agg(
      format(
        '  %s %s%s%s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
        case when a.attidentity <> '' then ' generated always as identity' when a.attnotnull then ' not null' else '' end,
        coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
      ),
      E',\n' order by a.attnum
    ) as lines,
    string_agg(
      format('comment on column %s.%s is %L;', r.full_name, a.attname, pg_catalog.col_description(a.attrelid, a.attnum)),
      E'\n' order by a.attnum
    ) filter (where pg_catalog.col_description(a.attrelid, a.attnum) is not null) as comments
  from pg_catalog.pg_attribute a
  join relations r on r.oid = a.attrelid
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped
  group by a.attrelid
), constraints as (
  select
    k.conrelid as oid,
    string_agg(
      format('  constraint %s %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)),
      E',\n' order by array_position(array['p', 'u', 'f', 'c'], k.contype::text), k.conname collate "C"
    ) as lines
  from pg_catalog.pg_constraint k
  join relations r on r.oid = k.conrelid
  where k.contype in ('p', 'u', 'f', 'c')
  group by k.conrelid
), indexes as (
  select i.indrelid as oid, string_agg(pg_catalog.pg_get_indexdef(i.indexrelid) || ';', E'\n' order by c.relname collate "C") as lines
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join relations r on r.oid = i.indrelid
  where not exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
  group by i.indrelid
), triggers as (
  select t.tgrelid as oid, string_agg(pg_catalog.pg_get_triggerdef(t.oid) || ';', E'\n' order by t.tgname collate "C") as lines
  from pg_catalog.pg_trigger t
  join relations r on r.oid = t.tgrelid
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  -- An engine's own triggers call its own functions.
  join our_schemas s on s.oid = p.pronamespace
  where not t.tgisinternal
  group by t.tgrelid
), relation_grants as (
  select g.oid, string_agg(format('grant %s on %s to %s;', g.privileges, g.full_name, g.roles), E'\n' order by g.roles, g.privileges) as lines
  from (
    select p.oid, p.full_name, p.privileges, string_agg(p.role, ', ' order by p.role) as roles
    from (
      select r.oid, r.full_name, o.role, string_agg(lower(x.privilege_type), ', ' order by x.privilege_type) as privileges
      from relations r
      cross join lateral pg_catalog.aclexplode(r.relacl) x
      join our_roles o on o.oid = x.grantee
      group by r.oid, r.full_name, o.role
      union all
      select r.oid, r.full_name, o.role, format('%s (%s)', lower(x.privilege_type), string_agg(a.attname, ', ' order by a.attnum))
      from relations r
      join pg_catalog.pg_attribute a on a.attrelid = r.oid
      cross join lateral pg_catalog.aclexplode(a.attacl) x
      join our_roles o on o.oid = x.grantee
      group by r.oid, r.full_name, o.role, x.privilege_type
    ) p
    group by p.oid, p.full_name, p.privileges
  ) g
  group by g.oid
), function_grants as (
  select p.oid, format('grant execute on %s to %s;', p.signature, string_agg(o.role, ', ' order by o.role)) as line
  from (
    select
      f.oid, f.proacl,
      case f.prokind when 'p' then 'procedure ' else 'function ' end || s.schema || '.' || f.proname || '('
        || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')' as signature
    from pg_catalog.pg_proc f
    join our_schemas s on s.oid = f.pronamespace
  ) p
  cross join lateral pg_catalog.aclexplode(p.proacl) x
  join our_roles o on o.oid = x.grantee
  where x.privilege_type = 'EXECUTE'
  group by p.oid, p.signature
), schema_texts as (
  select
    s.schema, 0 as kind, '' as name, '' as arguments,
    concat_ws(
      E'\n', format('create schema %s;', s.schema),
      format('comment on schema %s is %L;', s.schema, pg_catalog.obj_description(s.oid, 'pg_namespace')),
      (
        select format('grant usage on schema %s to %s;', s.schema, string_agg(o.role, ', ' order by o.role))
        from pg_catalog.pg_namespace n
        cross join lateral pg_catalog.aclexplode(n.nspacl) x
        join our_roles o on o.oid = x.grantee
        where n.oid = s.oid and x.privilege_type = 'USAGE'
      )
    ) as text
  from our_schemas s
), relation_texts as (
  select
    r.schema, case r.relkind when 'c' then 1 when 'v' then 3 else 2 end as kind, r.name, '' as arguments,
    concat_ws(
      E'\n',
      format(
        E'%s %s%s (\n%s\n);',
        case r.relkind when 'c' then 'create type' when 'v' then 'create view' else 'create table' end, r.full_name,
        case r.relkind when 'c' then ' as' else '' end, concat_ws(E',\n', c.lines, k.lines)
      ),
      i.lines,
      t.lines,
      format(
        'comment on %s %s is %L;', case r.relkind when 'c' then 'type' when 'v' then 'view' else 'table' end, r.full_name,
        coalesce(
          pg_catalog.obj_description(r.oid, 'pg_class'),
          (
            select pg_catalog.obj_description(y.oid, 'pg_type') from pg_catalog.pg_type y where y.typrelid = r.oid and r.relkind = 'c'
          )
        )
      ),
      c.comments,
      g.lines
    ) as text
  from relations r
  left join columns c on c.oid = r.oid
  left join constraints k on k.oid = r.oid
  left join indexes i on i.oid = r.oid
  left join triggers t on t.oid = r.oid
  left join relation_grants g on g.oid = r.oid
), function_texts as (
  select
    s.schema, 4 as kind, p.proname::text as name, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments,
    concat_ws(
      E'\n',
      format(
        E'create %s %s.%s(%s)%s;',
        case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, s.schema, p.proname,
        pg_catalog.pg_get_function_arguments(p.oid),
        case when p.prokind = 'p' then '' else format(
          ' returns %s%s', pg_catalog.pg_get_function_result(p.oid),
          case when p.prokind = 'f' then
            format(' language %s %s', l.lanname, case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end)
          else '' end
        ) end
      ),
      format(
        'comment on %s %s.%s(%s) is %L;',
        case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, s.schema, p.proname,
        pg_catalog.pg_get_function_identity_arguments(p.oid), pg_catalog.obj_description(p.oid, 'pg_proc')
      ),
      g.line
    ) as text
  from pg_catalog.pg_proc p
  join our_schemas s on s.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang
  left join function_grants g on g.oid = p.oid
  -- One engine brings this function itself, the other has ours.
  where not (s.schema = 'engine' and p.proname = 'time_bucket')
)
select o.text
from (
  select * from schema_texts
  union all
  select * from relation_texts
  union all
  select * from function_texts
) o
order by array_position(array['engine', 'ref', 'market', 'signal', 'trade', 'panel', 'ops'], o.schema), o.kind, o.name collate "C",
  o.arguments collate "C"
