-- The engine seam on plain PostgreSQL: a hypertable is the table itself, a rollup is a view with the same SELECT text.
create or replace function engine.name() returns text
language sql stable parallel safe
as $$ select 'postgresql' $$;

create or replace function engine.version() returns text
language sql stable parallel safe
as $$ select 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) $$;

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
end
$$;

create or replace function engine.range_plans() returns text
language sql immutable parallel safe
-- There is one table: a plan made once reads any range of it by key.
as $$ select 'force_generic_plan' $$;

create or replace function engine.time_bucket(p_width interval, p_ts timestamp) returns timestamp
language sql immutable parallel safe strict
as $$ select date_bin(p_width, p_ts, timestamp '2000-01-03') $$;

create or replace function engine.create_hypertable(p_table regclass, p_time_column name, p_chunk interval)
returns void language plpgsql volatile
as $$
begin
  -- The append-mostly raw tables are found by their key; nothing else is needed at this size.
  return;
end
$$;

create or replace function engine.create_rollup(p_name text, p_select text) returns void
language plpgsql volatile
set search_path = engine, pg_catalog
as $$
begin
  execute format('create view %s as %s', p_name, p_select);
end
$$;

create or replace function engine.add_refresh_policy(p_rollup text, p_window interval, p_lag interval, p_every interval)
returns void language plpgsql volatile
as $$ begin return; end $$;

create or replace function engine.add_columnstore(
  p_table regclass, p_segment_by text, p_order_by text, p_after interval
) returns void language plpgsql volatile
as $$ begin return; end $$;

create or replace function engine.pack_columnstore() returns void
language plpgsql volatile
as $$ begin return; end $$;

create or replace function engine.add_retention(p_table regclass, p_after interval) returns void
language plpgsql volatile
as $$ begin return; end $$;

-- A view is always fresh.
create or replace procedure engine.refresh(p_rollup text, p_from timestamp, p_to timestamp)
language plpgsql
as $$ begin return; end $$;
