create or replace function trade.load_tapes(
  p_run trade.runs, p_slots trade.slot_state[], p_from timestamp, p_to timestamp, p_as_of timestamp
) returns trade.quote_tape[]
language plpgsql stable
-- Planned with the range at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
as $$
declare
  v_ids integer[];
begin
  -- What is held or on order, and what a signal of this slice may trade.
  v_ids := array(
    select s.instrument_id from unnest(p_slots) s where s.instrument_id is not null
    union
    select s.rev_instrument_id from unnest(p_slots) s where s.rev_instrument_id is not null
    union
    select c.id
    from signal.signals g
    cross join lateral (
      -- One look-up by key for each signal, whatever the planner believes of a run that has just begun.
      select p.call_id, p.put_id from signal.periods p
      where p.run_id = g.run_id and p.instrument_id = g.instrument_id and p.ts = g.ts and p.revision = 0
      limit 1
    ) p
    cross join lateral (values (p.call_id), (p.put_id)) as c (id)
    where g.run_id = p_run.run_id and g.instrument_id = p_run.instrument_id and g.ts > p_from and g.ts <= p_to and c.id is not null
  );
  if cardinality(v_ids) = 0 then
    return '{}';
  end if;
  return array(
    select row(
      q.instrument_id, array_agg(q.ts_event), array_agg(q.seq), array_agg(q.bid_px_e4), array_agg(q.ask_px_e4), array_agg(q.bid_sz),
      array_agg(q.ask_sz)
    )::trade.quote_tape
    from (
      select
        o.instrument_id, o.ts_event, o.seq, o.bid_px_e4, o.ask_px_e4, o.bid_sz, o.ask_sz,
        lead(o.ts_event) over (partition by o.instrument_id order by o.ts_event, o.seq) as ts_next
      from market.option_quotes o
      where o.instrument_id = any (v_ids)
        and o.feed_id = p_run.quote_feed_id
        and o.ts_event >= p_from
        and o.ts_event <= p_to
        and o.ts_recv <= p_as_of
      order by o.instrument_id, o.ts_event, o.seq
    ) q
    -- Of several quotes at one instant only the last stands: nobody can trade on the others.
    where q.ts_next is distinct from q.ts_event
    group by q.instrument_id
  );
end
$$;
comment on function trade.load_tapes(trade.runs, trade.slot_state[], timestamp, timestamp, timestamp) is
  'The quotes in [p_from, p_to] (the last instant for as-of reading only) of every contract that the slice can touch, one tape each; of several at one instant, the last.';
grant execute on function trade.load_tapes(trade.runs, trade.slot_state[], timestamp, timestamp, timestamp) to job_runner;
