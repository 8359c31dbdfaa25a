create or replace function trade.is_halted(p_run trade.runs, p_as_of timestamp) returns boolean
language sql stable
as $$
  select coalesce(bool_or(latest.halted), false)
  from (
    select distinct on (c.account) c.halted
    from trade.controls c
    where (c.account = p_run.account or (c.account is null and p_run.mode = 'live'))
      -- Live, what is set counts, whatever clock the session runs on; replayed, what was set by then.
      and (p_run.mode = 'live' or c.ts <= p_as_of)
    order by c.account, c.control_id desc
  ) latest
$$;
comment on function trade.is_halted(trade.runs, timestamp) is
  'True while the last control of the run''s account, or the last one for all accounts (live runs only), halts entries.';
grant execute on function trade.is_halted(trade.runs, timestamp) to job_runner;
