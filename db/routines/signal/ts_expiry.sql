create or replace function signal.ts_expiry(p_root text, p_expiration date) returns timestamp
language sql stable strict parallel safe
as $$
  select case r.settlement when 'am' then s.ts_open else s.ts_close end
  from ref.option_roots r
  join ref.sessions s on s.session_date = p_expiration
  where r.root = p_root
$$;
comment on function signal.ts_expiry(text, date) is
  'The instant at which an option is worth its intrinsic value, Eastern: the close of its last session, half days too; settled in the morning (root SPX) the '
  'open. Null where that day has no session or the root is unknown.';
grant execute on function signal.ts_expiry(text, date) to ingest_writer, job_runner, backup;
