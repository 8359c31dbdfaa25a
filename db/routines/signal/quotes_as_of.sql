create or replace function signal.quotes_as_of(
  p_ids integer[], p_times timestamp[], p_feed_id smallint, p_from timestamp, p_to timestamp, p_as_of timestamp
) returns table (nth bigint, bid_px_e4 integer, ask_px_e4 integer, ts_event timestamp)
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
declare
  v_is_near boolean[] := '{}';
  v_count integer := 0;
begin
  -- A read by key takes all of an index page that its range allows: the last two minutes first, which most often do.
  for nth, bid_px_e4, ask_px_e4, ts_event in
    select a.nth, q.bid_px_e4, q.ask_px_e4, q.ts_event
    from unnest(p_ids, p_times) with ordinality as a (id, ts, nth)
    cross join lateral (
      select o.bid_px_e4, o.ask_px_e4, o.ts_event from market.option_quotes o
      where o.instrument_id = a.id
        and o.feed_id = p_feed_id
        and o.ts_event >= p_from
        and o.ts_event <= p_to
        and o.ts_event >= a.ts - interval '2 minutes'
        and o.ts_event <= a.ts
        and o.ts_recv <= p_as_of
      order by o.ts_event desc, o.seq desc
      limit 1
    ) q
  loop
    v_is_near[nth] := true;
    v_count := v_count + 1;
    return next;
  end loop;
  if v_count = cardinality(array_remove(p_ids, null)) then
    return;
  end if;
  return query
  select a.nth, q.bid_px_e4, q.ask_px_e4, q.ts_event
  from unnest(p_ids, p_times) with ordinality as a (id, ts, nth)
  cross join lateral (
    select o.bid_px_e4, o.ask_px_e4, o.ts_event from market.option_quotes o
    where v_is_near[a.nth] is null
      and o.instrument_id = a.id
      and o.feed_id = p_feed_id
      and o.ts_event >= p_from
      and o.ts_event <= p_to
      and o.ts_event < a.ts - interval '2 minutes'
      and o.ts_recv <= p_as_of
    order by o.ts_event desc, o.seq desc
    limit 1
  ) q;
end
$$;
comment on function signal.quotes_as_of(integer[], timestamp[], smallint, timestamp, timestamp, timestamp) is
  'The last quote in [p_from, p_to] of each contract as of its time, by position in the arrays; none where there is none.';
grant execute on function signal.quotes_as_of(integer[], timestamp[], smallint, timestamp, timestamp, timestamp) to job_runner;
