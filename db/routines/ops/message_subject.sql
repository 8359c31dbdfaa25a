create or replace function ops.message_subject(p_run_id bigint) returns text
language sql stable
as $$
  select case r.broker when 'paper' then 'PAPER' else 'LIVE' end || ' ' || r.strategy
    || case r.quote_source when 'recorded' then '' else ' (' || r.quote_source || ' quotes)' end
  from trade.runs r
  where r.run_id = p_run_id
$$;
comment on function ops.message_subject(bigint) is 'How a message about a run begins: PAPER or LIVE, the strategy, and what its quotes are unless recorded.';
grant execute on function ops.message_subject(bigint) to job_runner;
