create or replace function trade.halt(p_account text, p_ts timestamp, p_reason text) returns void
language plpgsql volatile
as $$
begin
  if exists (
    select from (
      select c.halted, c.reason from trade.controls c
      where c.account is not distinct from p_account order by c.control_id desc limit 1
    ) latest
    where latest.halted and latest.reason = p_reason
  ) then
    return;
  end if;
  insert into trade.controls (ts, account, halted, reason) values (p_ts, p_account, true, p_reason);
  insert into ops.alert_outbox (ts, key, severity, text)
  values (p_ts, format('halt-%s-%s', coalesce(p_account, 'all'), p_ts), 'critical', format('entries are halted on %s: %s', coalesce(p_account, 'all accounts'), p_reason))
  on conflict do nothing;
end
$$;
comment on function trade.halt(text, timestamp, text) is
  'Halts the entries of an account (null: of all) and tells people; nothing new while they are halted for the same reason. Exits go on.';
grant execute on function trade.halt(text, timestamp, text) to job_runner;
