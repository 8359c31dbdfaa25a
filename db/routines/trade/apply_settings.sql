create or replace function trade.apply_settings(p_strategy ref.strategies, p_settings jsonb) returns ref.strategies
language plpgsql volatile
as $$
declare
  v_changed ref.strategies;
  v_unknown text;
  v_constraint text;
  v_key text;
  v_rule text;
begin
  -- The command line has one word for a list: 3,5,7 or {3,5,7}.
  select coalesce(jsonb_object_agg(k.key, case
    when a.attname is not null and jsonb_typeof(k.value) = 'string'
      then to_jsonb(string_to_array(translate(k.value #>> '{}', '{}[] ', ''), ','))
    else k.value
  end), '{}') into p_settings
  from jsonb_each(p_settings) k
  left join pg_attribute a on a.attrelid = 'ref.strategies'::regclass and a.attname = k.key and a.attndims > 0;
  select string_agg(k, ', ') into v_unknown
  from jsonb_object_keys(p_settings) as k
  where not to_jsonb(p_strategy) ? k or k in ('strategy', 'version', 'ts_created');
  if v_unknown is not null then
    raise exception 'unknown parameter: %', v_unknown using errcode = 'SB008', hint = 'strikebase strategies list shows all.';
  end if;
  -- One by one, so that the message can name the one that is wrong.
  for v_key in select jsonb_object_keys(p_settings) loop
    begin
      perform jsonb_populate_record(p_strategy, jsonb_build_object(v_key, p_settings -> v_key));
    exception
      when invalid_text_representation or numeric_value_out_of_range or datatype_mismatch or undefined_function then
        raise exception '% cannot be %: it takes %', v_key, coalesce(p_settings ->> v_key, 'null'), (
          select case
            when t.typcategory = 'N' and a.atttypid in ('integer'::regtype, 'bigint'::regtype, 'smallint'::regtype) then 'a whole number'
            when t.typcategory = 'N' then 'a number'
            when t.typcategory = 'B' then 'true or false'
            when t.typcategory = 'A' then 'a list such as 3,5,7'
            else format_type(a.atttypid, null)
          end
          from pg_attribute a
          join pg_type t on t.oid = a.atttypid
          where a.attrelid = 'ref.strategies'::regclass and a.attname = v_key
        ) using errcode = 'SB008', hint = 'strikebase strategies list shows what it is now.';
    end;
  end loop;
  v_changed := jsonb_populate_record(p_strategy, p_settings);
  select to_char(t, 'HH24:MI:SS') into v_key from unnest(v_changed.entry_times) t
  where v_changed.period_ms > 0 and (extract(epoch from t - time '09:30') * 1000)::bigint % v_changed.period_ms <> 0
  limit 1;
  if found then
    raise exception 'no period of % ms ends at %', v_changed.period_ms, v_key
      using errcode = 'SB008', hint = 'Periods are counted from 09:30; choose other entry_times or another period_ms.';
  end if;
  if v_changed.structure = 'credit_vertical' then
    select r.underlying into v_key from ref.option_roots r where r.root = v_changed.option_root;
    if v_key is null then
      raise exception 'option_root % is not in ref.option_roots: nobody knows when its options expire', v_changed.option_root
        using errcode = 'SB008', hint = format(
          'Name it there, as the owner of the database, with what is true of it: insert into ref.option_roots (root, underlying, underlying_kind, tick_below_e4, '
          'tick_above_e4, exercise_style, settlement, late_close) values (%L, %L, ''index'', 500, 1000, ''european'', ''pm'', true)',
          v_changed.option_root, v_changed.underlying
        );
    elsif v_key <> v_changed.underlying then
      raise exception 'option_root % is of %, and the underlying is %', v_changed.option_root, v_key, v_changed.underlying
        using errcode = 'SB008', hint = 'Set both: underlying and option_root.';
    end if;
  end if;
  begin
    -- The table's own checks judge the values: the row is written and at once undone.
    insert into ref.strategies select (jsonb_populate_record(v_changed, '{"strategy": "(check)", "version": 1}')).*;
    raise exception using errcode = 'SB000';
  exception
    when sqlstate 'SB000' then
      return v_changed;
    when check_violation then
      get stacked diagnostics v_constraint = constraint_name;
      -- CHECK (((contracts >= 1) AND (contracts <= 500))) reads contracts >= 1 and contracts <= 500.
      select replace(regexp_replace(substr(pg_get_constraintdef(c.oid), 7), '[()]|::\w+(\[\])?', '', 'g'), ' AND ', ' and ') into v_rule
      from pg_constraint c
      where c.conrelid = 'ref.strategies'::regclass and c.conname = v_constraint;
      v_rule := regexp_replace(v_rule, 'cardinality(\w+)', 'the number of \1', 'g');
      v_rule := regexp_replace(v_rule, '(\S+) <= ALL (\w+)', 'each of \2 >= \1', 'g');
      v_rule := regexp_replace(v_rule, '(\S+) < ALL (\w+)', 'each of \2 > \1', 'g');
      v_rule := regexp_replace(v_rule, '(\S+) >= ALL (\w+)', 'each of \2 <= \1', 'g');
      v_rule := regexp_replace(v_rule, '(\S+) > ALL (\w+)', 'each of \2 < \1', 'g');
      v_rule := regexp_replace(v_rule, '= ANY ARRAY\[(.*)\]', 'is one of \1');
      raise exception '% is out of bounds', (
        select coalesce(
          string_agg(format('%s = %s', k.key, k.value), ', ') filter (where v_rule ~ ('\m' || k.key || '\M')),
          string_agg(format('%s = %s', k.key, k.value), ', ')
        )
        from jsonb_each_text(p_settings) as k
      ) using errcode = 'SB008', hint = format('It must hold that %s.', v_rule);
    when not_null_violation then
      get stacked diagnostics v_key = column_name;
      raise exception '% cannot be null', v_key using errcode = 'SB008', hint = 'strikebase strategies list shows what it is now.';
  end;
end
$$;
comment on function trade.apply_settings(ref.strategies, jsonb) is
  'A strategy row with some parameters changed, judged by the table''s own checks (SB008), and of a vertical by its root. Stores nothing.';
grant execute on function trade.apply_settings(ref.strategies, jsonb) to job_runner;
