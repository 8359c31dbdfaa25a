create or replace function signal.columns_of(p_routine text) returns text
language plpgsql stable strict
as $$
-- Not in SQL: that would be planned with every slice.
begin
  return (
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    from pg_proc p
    join pg_type t on t.oid = p.prorettype
    join pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    where p.oid = to_regproc(p_routine)
  );
end
$$;
comment on function signal.columns_of(text) is
  'The columns that a rule returns, and that are stored of it in signal.signals: those of signal.signal_values or signal.spread_values.';
grant execute on function signal.columns_of(text) to job_runner;
