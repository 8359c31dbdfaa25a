create or replace function trade.paper_event(p_run trade.runs, p_intent_id bigint, p_ts timestamp, p_state text, p_detail text default null)
returns trade.order_events[]
language sql volatile
as $$
  -- A broker's events come from the broker; only paper orders are answered here.
  select case when p_run.broker = 'paper' then array[
    row(
      nextval('trade.order_events_event_id_seq'), p_intent_id, p_run.run_id, p_ts, p_state, null, p_detail, null, null
    )::trade.order_events
  ] end
$$;
comment on function trade.paper_event(trade.runs, bigint, timestamp, text, text) is
  'One event of a paper order, to be added to the journal; null, which adds nothing, for a broker''s.';
grant execute on function trade.paper_event(trade.runs, bigint, timestamp, text, text) to job_runner;
