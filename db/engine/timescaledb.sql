-- The engine seam on TimescaleDB: hypertables, continuous aggregates, columnstore, retention.
create or replace function engine.name() returns text
language sql stable parallel safe
as $$ select 'timescaledb' $$;

create or replace function engine.version() returns text
language sql stable parallel safe
as $$
  select format(
    'TimescaleDB %s on PostgreSQL %s',
    (select extversion from pg_catalog.pg_extension where extname = 'timescaledb'),
    split_part(current_setting('server_version'), ' ', 1)
  )
$$;

create or replace function engine.plan_by_key() returns void
language plpgsql volatile
as $$
begin
  -- A plan made while a table was nearly empty would scan it for ever, and planning anew costs more than running.
  perform set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
    -- What a call joins is short: sorting both sides, or remembering what was looked up, costs more than it saves.
    set_config('enable_mergejoin', 'off', true), set_config('enable_memoize', 'off', true),
    -- A scan that cannot be avoided now counts as endless, and what counts as endless would be compiled first, call by call.
    set_config('jit', 'off', true);
  -- Ranges are planned with their values at hand: to look for chunks once more for every row costs three times the row's own look-up.
  perform set_config('timescaledb.enable_runtime_exclusion', 'off', true),
    -- What the range leaves has been chosen by then: to hold it against the checks of its chunks is a quarter of all planning.
    set_config('constraint_exclusion', 'off', true);
end
$$;

create or replace function engine.range_plans() returns text
language sql immutable parallel safe
-- Planned with the range at hand only its chunks are opened.
as $$ select 'force_custom_plan' $$;

create or replace function engine.create_hypertable(p_table regclass, p_time_column name, p_chunk interval)
returns void language plpgsql volatile
as $$
begin
  perform create_hypertable(p_table, by_range(p_time_column, p_chunk), create_default_indexes => false);
end
$$;

create or replace function engine.create_rollup(p_name text, p_select text) returns void
language plpgsql volatile
as $$
begin
  -- Real-time is off by default since 2.13; without it the newest bars would be missing from every panel.
  execute format(
    'create materialized view %s with (timescaledb.continuous, timescaledb.materialized_only = false) as %s with no data',
    p_name, p_select
  );
end
$$;

create or replace function engine.add_refresh_policy(p_rollup text, p_window interval, p_lag interval, p_every interval)
returns void language plpgsql volatile
as $$
begin
  perform add_continuous_aggregate_policy(
    p_rollup::regclass, start_offset => p_window, end_offset => p_lag, schedule_interval => p_every, if_not_exists => true
  );
end
$$;

create or replace function engine.add_columnstore(
  p_table regclass, p_segment_by text, p_order_by text, p_after interval
) returns void language plpgsql volatile
as $$
begin
  execute format(
    'alter table %s set (timescaledb.enable_columnstore, timescaledb.segmentby = %L, timescaledb.orderby = %L)',
    p_table, p_segment_by, p_order_by
  );
  execute format('call add_columnstore_policy(%L, after => %L::interval, if_not_exists => true)', p_table::text, p_after);
end
$$;

create or replace function engine.pack_columnstore() returns void
language plpgsql volatile
as $$
declare
  v_setting text;
begin
  for v_setting in
    select format('%s = %L', x.name, x.value)
    from (values
      -- A look-up in packed rows reads by contract and time; filters on single instants are a twentieth of the rows' size and serve none.
      ('timescaledb.auto_sparse_indexes', 'off'),
      -- Ten times the rows in a batch: what each batch has besides its rows is a tenth of them otherwise.
      ('timescaledb.compression_batch_size_limit', '10000')
    ) x (name, value)
    join pg_catalog.pg_settings s on s.name = x.name
  loop
    execute format('alter database %I set %s', current_database(), v_setting);
  end loop;
exception
  when insufficient_privilege then
    raise warning 'the columnstore keeps its default batches: % is not the owner of the database', current_user;
end
$$;

create or replace function engine.add_retention(p_table regclass, p_after interval) returns void
language plpgsql volatile
as $$
begin
  perform add_retention_policy(p_table, p_after, if_not_exists => true);
end
$$;

-- Call it outside a transaction: TimescaleDB refuses to refresh inside one.
create or replace procedure engine.refresh(p_rollup text, p_from timestamp, p_to timestamp)
language plpgsql
as $$
begin
  -- In one go: in batches of a few buckets, months of minutes took more than a minute.
  call refresh_continuous_aggregate(p_rollup::regclass, p_from, p_to, options => '{"buckets_per_batch": 0}');
end
$$;
