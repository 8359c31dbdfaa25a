create or replace function signal.quotes_as_of(
  p_ids integer[], p_times timestamp[], p_feed_id smallint, p_from timestamp, p_to timestamp, p_as_of timestamp
) returns table (nth bigint, bid_px_e4 integer, ask_px_e4 integer, ts_event timestamp)
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
begin
  return query
  select
    a.nth, case when near.ts_event is not null then near.bid_px_e4 else far.bid_px_e4 end,
    case when near.ts_event is not null then near.ask_px_e4 else far.ask_px_e4 end, coalesce(near.ts_event, far.ts_event)
  from unnest(p_ids, p_times) with ordinality as a (id, ts, nth)
  left join lateral (
    -- A read by key takes all of an index page that its range allows: the last two minutes first, which most often do.
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
  ) near on true
  left join lateral (
    select o.bid_px_e4, o.ask_px_e4, o.ts_event from market.option_quotes o
    where near.ts_event is null
      and o.instrument_id = a.id
      and o.feed_id = p_feed_id
      and o.ts_event >= p_from
      and o.ts_event <= p_to
      and o.ts_event < a.ts - interval '2 minutes'
      and o.ts_recv <= p_as_of
    order by o.ts_event desc, o.seq desc
    limit 1
  ) far on true
  where near.ts_event is not null or far.ts_event is not null;
end
$$;
comment on function signal.quotes_as_of(integer[], timestamp[], smallint, timestamp, timestamp, timestamp) is
  'The last quote in [p_from, p_to] of each contract as of its time, by position in the arrays; none where there is none.';
grant execute on function signal.quotes_as_of(integer[], timestamp[], smallint, timestamp, timestamp, timestamp) to job_runner;
