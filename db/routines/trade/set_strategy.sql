create or replace function trade.set_strategy(p_strategy text, p_settings jsonb) returns integer
language plpgsql volatile
as $$
declare
  v_strategy ref.strategies;
begin
  select (s).* into v_strategy
  from (select s from ref.strategies s where s.strategy = p_strategy order by s.version desc limit 1) as newest;
  if v_strategy.strategy is null then
    raise exception 'unknown strategy %', p_strategy using errcode = 'SB007', hint = 'strikebase strategies list shows them.';
  end if;
  v_strategy := trade.apply_settings(v_strategy, p_settings);
  v_strategy.version := v_strategy.version + 1;
  v_strategy.ts_created := localtimestamp(0);
  insert into ref.strategies select v_strategy.*;
  return v_strategy.version;
end
$$;
comment on function trade.set_strategy(text, jsonb) is
  'Writes a new version of a strategy with some parameters changed and returns its number. Open runs keep the version they began with.';
grant execute on function trade.set_strategy(text, jsonb) to job_runner;
