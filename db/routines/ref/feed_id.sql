create or replace function ref.feed_id(p_name text, p_kind text, p_span_ms integer, p_source text, p_stale_after_ms integer)
returns smallint language plpgsql volatile
as $$
declare
  v_feed ref.feeds;
begin
  insert into ref.feeds (name, kind, span_ms, source, stale_after_ms)
  values (p_name, p_kind, p_span_ms, p_source, p_stale_after_ms)
  on conflict on constraint feeds_name_key do nothing;
  select * into strict v_feed from ref.feeds f where f.name = p_name;
  if (v_feed.kind, v_feed.span_ms, v_feed.source) is distinct from (p_kind, p_span_ms, p_source) then
    raise exception 'feed % is % / % ms / %, not % / % ms / %',
      p_name, v_feed.kind, v_feed.span_ms, v_feed.source, p_kind, p_span_ms, p_source
      using errcode = 'SB007', hint = 'Give the new data a feed of its own with --feed NAME.';
  end if;
  return v_feed.feed_id;
end
$$;
comment on function ref.feed_id(text, text, integer, text, integer) is
  'Id of a feed, made where it is new. A name keeps its kind, span and source for ever (SB007).';
grant execute on function ref.feed_id(text, text, integer, text, integer) to ingest_writer, job_runner;
