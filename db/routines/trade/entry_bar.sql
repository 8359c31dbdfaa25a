create or replace function trade.entry_bar(p_run trade.runs, p_as_of timestamp) returns text
language plpgsql stable
as $$
begin
  if exists (
    select from (
      select distinct on (c.account) c.halted
      from trade.controls c
      where (c.account = p_run.account or (c.account is null and p_run.mode = 'live'))
        -- Live, what is set counts, whatever clock the session runs on; replayed, what was set by then.
        and (p_run.mode = 'live' or c.ts <= p_as_of)
      order by c.account, c.control_id desc
    ) latest
    where latest.halted
  ) then
    return 'halted';
  end if;
  if p_run.mode <> 'live' then
    return null;
  end if;
  if p_run.broker <> 'paper' then
    if not exists (select from trade.runs r where r.account = p_run.account and r.mode = 'live' and r.ts_ended is null) then
      return 'no_run';
    end if;
    if exists (
      select from trade.runs r
      join trade.order_events e on e.run_id = r.run_id and e.state = 'unknown'
      where r.account = p_run.account and r.mode = 'live'
        and not exists (select from trade.order_events x where x.intent_id = e.intent_id and x.event_id > e.event_id)
    ) then
      return 'unknown_order';
    end if;
    if (
      select c.is_ok and c.ts >= p_as_of - interval '90 seconds'
      from trade.reconciliations c where c.account = p_run.account order by c.ts desc, c.reconciliation_id desc limit 1
    ) is not true then
      return 'not_reconciled';
    end if;
    if (
      -- Whoever checks does so every minute: who no longer does would leave the last verdict standing for the day.
      select bool_and(latest.ok) and max(latest.ts) >= p_as_of - interval '3 minutes'
      from (
        select distinct on (c.name) c.ok, c.ts from ops.readiness_checks c
        where c.ts >= p_as_of::date and c.ts <= p_as_of order by c.name, c.ts desc, c.check_id desc
      ) latest
    ) is not true then
      return 'not_ready';
    end if;
  end if;
  return ops.feed_bar(array[p_run.tick_feed_id, p_run.quote_feed_id], p_as_of);
end
$$;
comment on function trade.entry_bar(trade.runs, timestamp) is
  'Why a run may make no entry at p_as_of, whatever its signals say; null if it may. halted: by the kill switch, of its account or (live) of all. Live runs '
  'also: feed_gap, feed_mute. At a real broker also: no_run (nobody would watch it), unknown_order, not_reconciled (no sound pass within 90 s), not_ready (a check of today is red, or '
  'none was made for three minutes). Exits ask nobody.';
grant execute on function trade.entry_bar(trade.runs, timestamp) to job_runner;
