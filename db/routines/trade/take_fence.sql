create or replace function trade.take_fence(p_account text, p_holder text, p_ts timestamp) returns bigint
language sql volatile
as $$
  insert into trade.fences as f (account, epoch, holder, ts) values (p_account, 1, p_holder, p_ts)
  on conflict on constraint fences_pk do update set epoch = f.epoch + 1, holder = excluded.holder, ts = excluded.ts
  returning epoch
$$;
comment on function trade.take_fence(text, text, timestamp) is
  'Takes the orders of an account over and returns the epoch that every write must carry from now on; those of the holder before are refused.';
grant execute on function trade.take_fence(text, text, timestamp) to job_runner;
