create or replace function trade.cancel_order(p_journal trade.journal, p_run trade.runs, p_intent_id bigint, p_ts timestamp, p_reason text)
returns trade.journal
language plpgsql volatile
as $$
begin
  if p_run.broker = 'paper' then
    p_journal.events := p_journal.events || trade.paper_event(p_run, p_intent_id, p_ts, 'canceled', p_reason);
  else
    p_journal.cancels := p_journal.cancels || row(
      nextval('trade.cancel_requests_cancel_id_seq'), p_run.run_id, p_intent_id, p_ts, p_reason
    )::trade.cancel_requests;
  end if;
  return p_journal;
end
$$;
comment on function trade.cancel_order(trade.journal, trade.runs, bigint, timestamp, text) is
  'The journal with the end of a paper order, or with the request to cancel one at a broker.';
grant execute on function trade.cancel_order(trade.journal, trade.runs, bigint, timestamp, text) to job_runner;
