-- Brings ref.sessions in line with the rules and the overrides.
create or replace function ref.refresh_sessions() returns bigint
language plpgsql volatile parallel unsafe
as $$
declare
  v_changed bigint;
begin
  with wanted as materialized (
    select s.*
    from ref.nyse_sessions(2015, 2035) as s
  ),
  removed as (
    delete from ref.sessions as s
    where not exists (select from wanted as w where w.session_date = s.session_date)
    returning s.session_date
  ),
  written as (
    insert into ref.sessions as s (session_date, ts_open, ts_close, ts_option_close, is_early_close)
    select w.session_date, w.ts_open, w.ts_close, w.ts_option_close, w.is_early_close
    from wanted as w
    on conflict (session_date) do update set
      ts_open = excluded.ts_open,
      ts_close = excluded.ts_close,
      ts_option_close = excluded.ts_option_close,
      is_early_close = excluded.is_early_close
    where (s.ts_open, s.ts_close, s.ts_option_close, s.is_early_close)
      is distinct from (excluded.ts_open, excluded.ts_close, excluded.ts_option_close, excluded.is_early_close)
    returning s.session_date
  )
  select (select count(*) from removed) + (select count(*) from written)
  into v_changed;
  return v_changed;
end
$$;
comment on function ref.refresh_sessions() is
  'Fills ref.sessions for 2015-2035 from ref.nyse_sessions; returns the number of days inserted, changed or removed, 0 when nothing '
  'is new. For the owner: run it after a change of ref.session_overrides.';
