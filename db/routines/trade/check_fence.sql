create or replace function trade.check_fence(p_intent_id bigint, p_epoch bigint) returns trade.runs
language plpgsql volatile
as $$
declare
  v_run trade.runs;
  v_epoch bigint;
begin
  perform engine.plan_by_key();
  select r.* into v_run from trade.order_intents i join trade.runs r on r.run_id = i.run_id where i.intent_id = p_intent_id;
  -- Held until the transaction ends: nobody takes over between the look and the write, and of two who write one order the second sees the first.
  select f.epoch into v_epoch from trade.fences f where f.account = v_run.account for no key update;
  if v_epoch is distinct from p_epoch then
    raise exception 'the orders of account % belong to epoch %, not %', v_run.account, v_epoch, p_epoch using errcode = 'SB010';
  end if;
  return v_run;
end
$$;
comment on function trade.check_fence(bigint, bigint) is
  'The run of an order, for the process of the account''s latest epoch, one transaction at a time; SB010 for any other.';
grant execute on function trade.check_fence(bigint, bigint) to job_runner;
