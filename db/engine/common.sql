-- What both engines share: error codes, first/last price by (ts, seq), the guard that keeps facts append-only.
create table if not exists engine.error_codes (
  code text constraint error_codes_pk primary key,
  meaning text not null
);
comment on table engine.error_codes is 'Every SQLSTATE that this schema raises. Callers switch on the code, never on the text.';
comment on column engine.error_codes.code is 'SQLSTATE.';
comment on column engine.error_codes.meaning is 'What it says to the caller.';
insert into engine.error_codes (code, meaning) values
  ('SB001', 'a fact is append-only: the row cannot be updated or deleted'),
  ('SB002', 'the run does not exist or has ended'),
  ('SB003', 'advance needs one repeatable read transaction under the run''s advisory lock'),
  ('SB004', 'the slot is already taken'),
  ('SB005', 'the order state does not allow this transition'),
  ('SB006', 'no data: the feed has no rows for the instrument in the range'),
  ('SB007', 'unknown strategy, feed or symbol'),
  ('SB008', 'a strategy parameter is out of its bounds'),
  ('SB009', 'a live run cannot be dropped'),
  ('SB010', 'another process has taken over the orders of the account'),
  ('SB011', 'the broker reports more filled than was ordered')
on conflict (code) do update set meaning = excluded.meaning;

do $$
begin
  if to_regtype('engine.keyed_px') is null then
    create type engine.keyed_px as (px integer, ts timestamp, seq bigint);
    comment on type engine.keyed_px is 'State of first_px and last_px: a price and the (ts, seq) at which it stood.';
  end if;
end
$$;

create or replace function engine.earlier_px(p_state engine.keyed_px, p_px integer, p_ts timestamp, p_seq bigint)
returns engine.keyed_px language plpgsql immutable parallel safe
as $$
begin
  if p_px is null then
    return p_state;
  end if;
  if p_state is null or p_ts < p_state.ts or (p_ts = p_state.ts and p_seq < p_state.seq) then
    return row(p_px, p_ts, p_seq)::engine.keyed_px;
  end if;
  return p_state;
end
$$;

create or replace function engine.later_px(p_state engine.keyed_px, p_px integer, p_ts timestamp, p_seq bigint)
returns engine.keyed_px language plpgsql immutable parallel safe
as $$
begin
  if p_px is null then
    return p_state;
  end if;
  if p_state is null or p_ts > p_state.ts or (p_ts = p_state.ts and p_seq > p_state.seq) then
    return row(p_px, p_ts, p_seq)::engine.keyed_px;
  end if;
  return p_state;
end
$$;

create or replace function engine.keyed_px_value(p_state engine.keyed_px) returns integer
language sql immutable parallel safe
as $$ select p_state.px $$;

create or replace aggregate engine.first_px(integer, timestamp, bigint) (
  sfunc = engine.earlier_px, stype = engine.keyed_px, finalfunc = engine.keyed_px_value, parallel = safe
);
comment on aggregate engine.first_px(integer, timestamp, bigint) is
  'The price of the earliest (ts, seq): ties cannot change it, unlike first(px, ts).';
create or replace aggregate engine.last_px(integer, timestamp, bigint) (
  sfunc = engine.later_px, stype = engine.keyed_px, finalfunc = engine.keyed_px_value, parallel = safe
);
comment on aggregate engine.last_px(integer, timestamp, bigint) is
  'The price of the latest (ts, seq): ties cannot change it, unlike last(px, ts).';

create or replace function engine.forbid_change() returns trigger
language plpgsql
as $$
begin
  -- Only trade.drop_run sets this, for one transaction, and only the owner may delete at all.
  if tg_op = 'DELETE' and current_setting('strikebase.dropping_run', true) = 'on' then
    return old;
  end if;
  raise exception '% is append-only: % refused', tg_table_schema || '.' || tg_table_name, tg_op
    using errcode = 'SB001';
end
$$;

create or replace function engine.make_append_only(p_table regclass) returns void
language plpgsql volatile
as $$
begin
  execute format(
    'create trigger append_only before update or delete on %s for each row execute function engine.forbid_change()', p_table
  );
  execute format(
    'create trigger append_only_truncate before truncate on %s for each statement execute function engine.forbid_change()',
    p_table
  );
end
$$;

comment on function engine.name() is 'The engine underneath: timescaledb or postgresql.';
comment on function engine.version() is 'Engine and server version, for status lines.';
comment on function engine.range_plans() is 'plan_cache_mode of routines that read a range of a hypertable: they take it from migrate (set plan_cache_mode from current).';
comment on function engine.plan_by_key() is 'Makes the planner read by key until the transaction ends, whatever it believes of the tables.';
comment on function engine.create_hypertable(regclass, name, interval) is 'Turns a table into a hypertable where there are any.';
comment on function engine.create_rollup(text, text) is 'Creates a continuous aggregate, or a view with the same SELECT text.';
comment on function engine.add_refresh_policy(text, interval, interval, interval) is
  'Keeps a rollup fresh: window and lag before now, and how often.';
comment on function engine.add_columnstore(regclass, text, text, interval) is
  'Compresses chunks older than p_after, where there are any.';
comment on function engine.pack_columnstore() is
  'Makes the columnstore of this database pack rows closely from now on, where there is one; connections that are open stay as they are.';
comment on function engine.add_retention(regclass, interval) is 'Drops chunks older than p_after, where there are any.';
comment on procedure engine.refresh(text, timestamp, timestamp) is
  'Brings a rollup up to date over [p_from, p_to). Call it outside a transaction, after an import or back-fill.';
comment on function engine.earlier_px(engine.keyed_px, integer, timestamp, bigint) is 'Transition function of first_px.';
comment on function engine.later_px(engine.keyed_px, integer, timestamp, bigint) is 'Transition function of last_px.';
comment on function engine.keyed_px_value(engine.keyed_px) is 'Final function of first_px and last_px.';
comment on function engine.forbid_change() is 'Trigger that keeps facts append-only (SB001), for the owner too.';
comment on function engine.make_append_only(regclass) is 'Puts the append-only guard on a table.';

revoke execute on all routines in schema engine from public;
