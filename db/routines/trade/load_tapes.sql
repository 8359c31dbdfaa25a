create or replace function trade.load_tapes(
  p_run trade.runs, p_strategy ref.strategies, p_slots trade.slot_state[], p_faces trade.face[], p_from timestamp, p_to timestamp,
  p_as_of timestamp
) returns trade.quote_tape[]
language plpgsql stable
as $$
declare
  v_ids integer[];
  v_since timestamp[];
begin
  select array_agg(c.id), array_agg(c.ts) into v_ids, v_since
  from (
    -- What is held or on order, and what a signal of this slice may trade, from then on.
    select x.id, min(x.ts) as ts
    from (
      select s.instrument_id as id, case
        when p_run.broker = 'paper' or p_strategy.structure = 'credit_vertical' then p_from
        -- The quote in force: a fill may be learned of after the quote that is its stop.
        else coalesce(trade.last_quote_ts(p_run, s.instrument_id, p_from, p_as_of), p_from)
      end as ts
      from unnest(p_slots) s where s.instrument_id is not null
      union all
      select s.rev_instrument_id, p_from from unnest(p_slots) s
      union all
      select f.instrument_id, f.ts from unnest(p_faces) f where f.window_ok
    ) x
    where x.id is not null
    group by x.id
  ) c;
  if v_ids is null then
    return '{}';
  end if;
  if p_strategy.structure = 'credit_vertical' then
    return array(
      select trade.spread_tape(c.id, p_run, p_strategy, c.ts, p_to, p_as_of) from unnest(v_ids, v_since) as c (id, ts)
    );
  end if;
  return trade.quote_tapes(v_ids, v_since, p_run.quote_feed_id, least(p_from, (select min(t) from unnest(v_since) t)), p_to, p_as_of);
end
$$;
comment on function trade.load_tapes(trade.runs, ref.strategies, trade.slot_state[], trade.face[], timestamp, timestamp, timestamp) is
  'The quotes in [p_from, p_to] (the last instant for as-of reading only) of every contract that the slice can touch, one tape each, '
  'from when it can; at a broker, where facts come between slices, from the quote that is in force at p_from.';
grant execute on function trade.load_tapes(trade.runs, ref.strategies, trade.slot_state[], trade.face[], timestamp, timestamp, timestamp)
  to job_runner;
