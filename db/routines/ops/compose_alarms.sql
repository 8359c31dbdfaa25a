create or replace function ops.compose_alarms(p_now timestamp) returns integer
language plpgsql volatile
as $$
declare
  v_written integer;
begin
  insert into ops.alert_outbox (ts, key, severity, kind, text)
  select
    p_now,
    -- Once an hour for as long as it fires.
    format('alarm-%s-%s', a.alarm, to_char(p_now, 'YYYY-MM-DD HH24')),
    case a.alarm when 'token_life' then 'warning' else 'critical' end,
    'alert',
    replace(a.alarm, '_', ' ') || coalesce(': ' || regexp_replace(nullif(a.detail, ''), ' +', ' ', 'g'), '')
  from panel.alarms_at(p_now) a
  -- A halt is told by ops.compose_messages, as it happens.
  where a.is_firing and a.alarm <> 'halt'
  on conflict on constraint alert_outbox_key do nothing;
  get diagnostics v_written = row_count;
  return v_written;
end
$$;
comment on function ops.compose_alarms(timestamp) is
  'Writes a message for every alarm of panel.alarms_at() that fires at p_now (Eastern), each once an hour. Returns their number. Dearer than '
  'ops.compose_messages, and called less often.';
grant execute on function ops.compose_alarms(timestamp) to job_runner;
