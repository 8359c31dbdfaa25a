create or replace function trade.is_over(p_state text) returns boolean
language sql immutable
return coalesce(p_state, 'created') in ('denied', 'filled', 'canceled', 'rejected', 'expired');
comment on function trade.is_over(text) is 'True for the states of an order that has ended; fills of it may still be reported late.';
grant execute on function trade.is_over(text) to job_runner;
