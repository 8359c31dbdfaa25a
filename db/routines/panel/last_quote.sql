-- Planned when it is called, with its range at hand: written out in a view it would be planned for every chunk there is, open position or not.
create or replace function panel.last_quote(p_instrument_id integer, p_feed_id smallint, p_from timestamp, p_before timestamp)
returns table (ts timestamp, bid numeric(12, 4), ask numeric(12, 4))
language plpgsql stable
set plan_cache_mode = force_custom_plan
as $$
begin
  return query
  select q.ts, q.bid, q.ask
  from panel.option_quotes q
  where q.instrument_id = p_instrument_id and q.feed_id = p_feed_id and q.ts >= p_from and q.ts < p_before
  order by q.ts desc, q.seq desc
  limit 1;
end
$$;
comment on function panel.last_quote(integer, smallint, timestamp, timestamp) is
  'The last quote of a contract on a feed in [p_from, p_before) (Eastern), in dollars; no row without one.';
grant execute on function panel.last_quote(integer, smallint, timestamp, timestamp) to grafana_reader, job_runner, backup;
