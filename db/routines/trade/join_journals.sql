create or replace function trade.join_journals(p_first trade.journal, p_next trade.journal) returns trade.journal
language sql immutable parallel safe
as $$
  select row(
    (p_first).decisions || (p_next).decisions, (p_first).intents || (p_next).intents, (p_first).legs || (p_next).legs,
    (p_first).events || (p_next).events, (p_first).fills || (p_next).fills, (p_first).cancels || (p_next).cancels
  )::trade.journal
$$;
comment on function trade.join_journals(trade.journal, trade.journal) is 'One journal with the rows of both, those of the first before those of the next.';
grant execute on function trade.join_journals(trade.journal, trade.journal) to job_runner;
