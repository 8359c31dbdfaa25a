-- The time span goes into the statement as constants: on TimescaleDB the chunks outside it are then not opened at all, where a span that is known at run time
-- costs a look at every chunk of the month for every single position.
create or replace function panel.ask_extremes(
  p_position_ids bigint[], p_instrument_ids integer[], p_feed_ids smallint[], p_fill_ratios numeric[], p_from timestamp[], p_to timestamp[]
) returns table (position_id bigint, lowest_ask numeric, highest_ask numeric)
language plpgsql stable
as $$
declare
  v_from timestamp := (select min(u) from unnest(p_from) as u);
  v_to timestamp := (select max(u) from unnest(p_to) as u);
  v_spreads integer[] := array(
    select distinct l.instrument_id from panel.legs l where l.instrument_id = any (p_instrument_ids) and l.is_spread
  );
begin
  return query execute format(
    $sql$
      select p.position_id, q.lowest_ask, q.highest_ask
      from unnest($1, $2, $3, $4, $5) as p (position_id, instrument_id, feed_id, ts_from, ts_to)
      cross join lateral (
        select min(x.ask) as lowest_ask, max(x.ask) as highest_ask
        from panel.option_quotes x
        where x.instrument_id = p.instrument_id and x.feed_id = p.feed_id and x.ts >= p.ts_from and x.ts <= p.ts_to
          and x.ts >= %L and x.ts <= %L
      ) q
      where p.instrument_id <> all ($6)
    $sql$,
    v_from, v_to
  ) using p_position_ids, p_instrument_ids, p_feed_ids, p_from, p_to, v_spreads;
  if v_spreads <> '{}' then
    -- A spread is priced out of the quotes of its legs, each position for itself.
    return query
    select p.position_id, q.lowest_ask, q.highest_ask
    from unnest(p_position_ids, p_instrument_ids, p_feed_ids, p_fill_ratios, p_from, p_to)
      as p (position_id, instrument_id, feed_id, fill_ratio, ts_from, ts_to)
    cross join lateral (
      select min(x.ask) as lowest_ask, max(x.ask) as highest_ask
      from panel.position_quotes(p.instrument_id, p.feed_id, p.fill_ratio, p.ts_from, p.ts_to) x
    ) q
    where p.instrument_id = any (v_spreads);
  end if;
end
$$;
comment on function panel.ask_extremes(bigint[], integer[], smallint[], numeric[], timestamp[], timestamp[]) is
  'Lowest and highest ask of each position''s contract, or of its spread, from p_from to p_to (Eastern, inclusive), dollars a share; null without a quote. The '
  'arrays are columns of panel.positions, one element a position: position_id, instrument_id, quote_feed_id, fill_ratio, ts_entry, ts_exit.';
grant execute on function panel.ask_extremes(bigint[], integer[], smallint[], numeric[], timestamp[], timestamp[]) to grafana_reader, job_runner, backup;
