create or replace function trade.add_strategy(p_strategy text, p_like text, p_settings jsonb) returns void
language plpgsql volatile
as $$
declare
  v_strategy ref.strategies;
begin
  if p_strategy !~ '^[a-z][a-z0-9_]{0,40}$' then
    raise exception 'a strategy cannot be called %', p_strategy
      using errcode = 'SB008', hint = 'Small letters, digits and _, a letter first.';
  end if;
  if exists (select from ref.strategies s where s.strategy = p_strategy) then
    raise exception 'there is a strategy % already', p_strategy
      using errcode = 'SB008', hint = format('strikebase strategies set %s changes it.', p_strategy);
  end if;
  select (s).* into v_strategy
  from (select s from ref.strategies s where s.strategy = p_like order by s.version desc limit 1) as newest;
  if v_strategy.strategy is null then
    raise exception 'unknown strategy %', p_like using errcode = 'SB007', hint = 'strikebase strategies list shows them.';
  end if;
  v_strategy := trade.apply_settings(v_strategy, p_settings);
  if to_regprocedure(v_strategy.signal_routine || '(timestamp, timestamp, signal.context)') is null then
    raise exception 'there is no rule %(timestamp, timestamp, signal.context)', v_strategy.signal_routine
      using errcode = 'SB007', hint = 'Put it into db/routines/signal and run strikebase migrate; docs/own-strategy.md shows one.';
  end if;
  v_strategy.strategy := p_strategy;
  v_strategy.version := 1;
  v_strategy.ts_created := localtimestamp(0);
  -- A rule that nobody has seen work does not trade.
  v_strategy.enabled := false;
  insert into ref.strategies select v_strategy.*;
end
$$;
comment on function trade.add_strategy(text, text, jsonb) is
  'Adds a strategy with the parameters of another one, some of them changed, as version 1 and disabled. Its rule must exist (SB007).';
grant execute on function trade.add_strategy(text, text, jsonb) to job_runner;
