create or replace function trade.close_run(p_run_id bigint, p_outcome text, p_as_of timestamp) returns void
language plpgsql volatile
as $$
begin
  update trade.runs set ts_ended = p_as_of, outcome = p_outcome where run_id = p_run_id and ts_ended is null;
  if not found then
    raise exception 'run % does not exist or has ended', p_run_id using errcode = 'SB002';
  end if;
  perform trade.store_days(p_run_id, 'infinity');
end
$$;
comment on function trade.close_run(bigint, text, timestamp) is 'Ends a run as completed, stopped or failed (SB002 if it has ended), and keeps what its sessions have made.';
grant execute on function trade.close_run(bigint, text, timestamp) to job_runner;
