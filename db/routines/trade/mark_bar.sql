create or replace function trade.mark_bar(p_run trade.runs, p_ts timestamp) returns text
language plpgsql stable
as $$
begin
  if p_run.mode = 'live' and exists (
    select from ops.stream_marks m
    where m.feed_id in (p_run.tick_feed_id, p_run.quote_feed_id)
    group by m.feed_id
    having max(m.ts_high_water) < p_ts + make_interval(secs => p_run.grace_ms / 1000.0)
  ) then
    return 'feed_mute';
  end if;
  return null;
end
$$;
comment on function trade.mark_bar(trade.runs, timestamp) is
  'feed_mute where a live run decides up to p_ts and one of its feeds has not said that its rows up to there, and those of the grace behind it, are '
  'stored: the run went on without them, for exits; an entry would rest on half a period. Null where every mark has passed, and before a feed''s first.';
grant execute on function trade.mark_bar(trade.runs, timestamp) to job_runner;
