create or replace function trade.note_reconciled(p_account text, p_ts timestamp, p_is_ok boolean, p_detail text) returns void
language sql volatile
as $$
  insert into trade.reconciliations (account, ts, is_ok, detail) values (p_account, p_ts, p_is_ok, p_detail)
$$;
comment on function trade.note_reconciled(text, timestamp, boolean, text) is 'Notes the end of a pass over orders and positions at the broker.';
grant execute on function trade.note_reconciled(text, timestamp, boolean, text) to job_runner;
