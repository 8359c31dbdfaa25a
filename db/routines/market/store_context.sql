create or replace function market.store_context(
  p_underlying text, p_chain_feed text, p_tick_feed text, p_ts timestamp, p_ts_recv timestamp
) returns integer
language plpgsql volatile
as $$
declare
  v_underlying_id integer := (select i.instrument_id from ref.instruments i where i.symbol = p_underlying);
  v_feed_id smallint := (select f.feed_id from ref.feeds f where f.name = p_chain_feed);
  v_tick_feed_id smallint := (select f.feed_id from ref.feeds f where f.name = p_tick_feed);
  v_ids bigint[] := array(
    select s.snapshot_id from market.chain_snapshots s
    where s.underlying_id = v_underlying_id and s.feed_id = v_feed_id and s.ts_event = p_ts
  );
  v_vix double precision;
  v_vix9d double precision;
  v_count integer;
begin
  insert into market.chain_gamma (snapshot_id, strike_e4, call_gex, put_gex)
  select s.id, round(g.strike * 10000), sum(g.call_gex), sum(g.put_gex)
  from unnest(v_ids) s (id)
  cross join lateral signal.gamma_exposure(s.id) g
  group by s.id, g.strike
  having sum(g.call_gex) <> 0 or sum(g.put_gex) <> 0
  on conflict on constraint chain_gamma_pk do nothing;
  select signal.last_close(i.instrument_id, v_tick_feed_id, p_ts, p_ts_recv) / 10000.0 into v_vix
  from ref.instruments i where i.symbol = 'VIX';
  select signal.last_close(i.instrument_id, v_tick_feed_id, p_ts, p_ts_recv) / 10000.0 into v_vix9d
  from ref.instruments i where i.symbol = 'VIX9D';
  insert into market.context_snapshots (underlying_id, feed_id, ts_event, name, value, ts_recv)
  select v_underlying_id, v_feed_id, p_ts, x.name, x.value, p_ts_recv
  from (
    values
      ('vix', v_vix), ('vix9d', v_vix9d), ('term', v_vix9d / nullif(v_vix, 0)),
      ('net_gex', (select sum(g.call_gex + g.put_gex) from market.chain_gamma g where g.snapshot_id = any (v_ids))),
      ('zero_gamma', signal.zero_gamma(v_ids))
  ) as x (name, value)
  where x.value is not null
  on conflict on constraint context_snapshots_pk do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function market.store_context(text, text, text, timestamp, timestamp) is
  'Stores the context of the chain snapshots of one instant: gamma exposure by strike, net GEX and zero-gamma level of all of them together, VIX, VIX9D and '
  'their ratio. Repeating it changes nothing. Returns how many figures are new.';
grant execute on function market.store_context(text, text, text, timestamp, timestamp) to ingest_writer;
