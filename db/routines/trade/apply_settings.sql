create or replace function trade.apply_settings(p_strategy ref.strategies, p_settings jsonb) returns ref.strategies
language plpgsql volatile
as $$
declare
  v_changed ref.strategies;
  v_unknown text;
  v_constraint text;
begin
  select string_agg(k, ', ') into v_unknown
  from jsonb_object_keys(p_settings) as k
  where not to_jsonb(p_strategy) ? k or k in ('strategy', 'version', 'ts_created');
  if v_unknown is not null then
    raise exception 'unknown parameter: %', v_unknown using errcode = 'SB008', hint = 'strikebase strategies list --json shows all.';
  end if;
  begin
    v_changed := jsonb_populate_record(p_strategy, p_settings);
    -- The table's own checks judge the values: the row is written and at once undone.
    insert into ref.strategies select (jsonb_populate_record(v_changed, '{"strategy": "(check)", "version": 1}')).*;
    raise exception using errcode = 'SB000';
  exception
    when sqlstate 'SB000' then
      return v_changed;
    when check_violation then
      get stacked diagnostics v_constraint = constraint_name;
      raise exception 'parameter out of bounds: it must hold that %', (
        select substr(pg_get_constraintdef(c.oid), 7) from pg_constraint c
        where c.conrelid = 'ref.strategies'::regclass and c.conname = v_constraint
      ) using errcode = 'SB008';
    when not_null_violation or invalid_text_representation or numeric_value_out_of_range then
      raise exception 'parameter has no usable value: %', sqlerrm using errcode = 'SB008';
  end;
end
$$;
comment on function trade.apply_settings(ref.strategies, jsonb) is
  'A strategy row with some parameters changed, judged by the table''s own checks (SB008). Stores nothing.';
grant execute on function trade.apply_settings(ref.strategies, jsonb) to job_runner;
