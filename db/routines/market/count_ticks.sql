create or replace function market.count_ticks(p_instrument_ids integer[], p_feed_ids smallint[], p_from timestamp[], p_ticks bigint[])
returns void
language plpgsql volatile
as $$
begin
  insert into market.tick_counts as c (instrument_id, feed_id, ts, ticks)
  select u.instrument_id, u.feed_id, u.ts, sum(u.ticks)
  from unnest(p_instrument_ids, p_feed_ids, p_from, p_ticks) as u (instrument_id, feed_id, ts, ticks)
  group by 1, 2, 3
  -- Two that count the same ones wait for each other in the same order.
  order by 1, 2, 3
  on conflict on constraint tick_counts_pk do update set ticks = c.ticks + excluded.ticks;
end
$$;
comment on function market.count_ticks(integer[], smallint[], timestamp[], bigint[]) is
  'Adds ticks to market.tick_counts: so many of each instrument, feed and five minutes. Call it at the end of the transaction that stores them.';
grant execute on function market.count_ticks(integer[], smallint[], timestamp[], bigint[]) to ingest_writer;
