-- Planned when it is called, with its day at hand.
create or replace function panel.last_price(p_instrument_id integer, p_feed_id smallint, p_ts timestamp) returns numeric
language plpgsql stable
set plan_cache_mode = force_custom_plan
as $$
begin
  return (
    select x.price from panel.underlying_prices x
    where x.instrument_id = p_instrument_id and x.feed_id = p_feed_id and x.ts >= date_trunc('day', p_ts) and x.ts <= p_ts and x.ts_known <= p_ts
    order by x.ts desc, x.seq desc
    limit 1
  );
end
$$;
comment on function panel.last_price(integer, smallint, timestamp) is
  'The last price of an equity or index that was known on a feed at p_ts (Eastern), dollars; null where that day has none.';
grant execute on function panel.last_price(integer, smallint, timestamp) to grafana_reader, job_runner, backup;
