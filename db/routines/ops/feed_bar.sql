create or replace function ops.feed_bar(p_feed_ids smallint[], p_as_of timestamp) returns text
language plpgsql stable
as $$
begin
  if exists (
    select from (
      select distinct on (s.feed_id, s.stream) s.state
      from ops.feed_states s
      where s.feed_id = any (p_feed_ids)
        and s.symbol is null
        and s.ts >= p_as_of::date
        and s.ts <= p_as_of
      order by s.feed_id, s.stream, s.ts desc, s.feed_state_id desc
    ) latest
    where latest.state = 'mute'
  ) then
    return 'feed_mute';
  end if;
  if exists (
    select from ops.feed_gaps g
    where g.feed_id = any (p_feed_ids)
      and g.ts_opened <= p_as_of
      and (g.ts_filled is null or g.ts_filled > p_as_of)
      -- What earlier days lack bars nobody today; a gap that lasts does.
      and (g.ts_to is null or g.ts_to > p_as_of::date)
  ) then
    return 'feed_gap';
  end if;
  return null;
end
$$;
comment on function ops.feed_bar(smallint[], timestamp) is
  'Why entries on these feeds are barred at p_as_of, by what was known then: feed_mute (connected, and nothing newer comes although the market is open), '
  'feed_gap (events are missing and not filled in yet); null when the feeds are sound.';
grant execute on function ops.feed_bar(smallint[], timestamp) to ingest_writer, job_runner;
