-- The constants that a call of market.model_option_quotes uses: defaults and overrides, checked.
create or replace function market.quote_model(p_underlying text, p_overrides jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  v_defaults jsonb := market.default_quote_model(p_underlying);
  v_model jsonb := v_defaults || coalesce(p_overrides, '{}');
  v_unusable text;
begin
  select key into v_unusable
  from jsonb_each_text(v_model)
  where value is null or not v_defaults ? key
  order by key
  limit 1;
  if found then
    raise exception 'quote model of %: % is unknown or has no value', p_underlying, v_unusable
      using errcode = 'SB008', hint = 'The keys are those of market.default_quote_model(), explained in docs/quote-model.md.';
  end if;
  return v_model;
end
$$;
comment on function market.quote_model(text, jsonb) is
  'market.default_quote_model(p_underlying) with single constants overridden: what a run stores as its quote model. Raises SB008 on an '
  'unknown key or a constant without a value.';
grant execute on function market.quote_model(text, jsonb) to job_runner, ingest_writer;
