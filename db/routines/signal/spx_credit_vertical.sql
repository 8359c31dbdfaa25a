create or replace function signal.spx_credit_vertical(p_from timestamp, p_to timestamp, p_context signal.context)
returns setof signal.spread_values
language plpgsql stable
as $$
declare
  s ref.strategies := jsonb_populate_record(null::ref.strategies, p_context.params);
  v_vix_id integer := (select i.instrument_id from ref.instruments i where i.symbol = 'VIX');
  v_vix9d_id integer := (select i.instrument_id from ref.instruments i where i.symbol = 'VIX9D');
  v_row signal.spread_values;
  v_all signal.vertical[];
  c signal.vertical;
  v_vix double precision;
  v_vix9d double precision;
  v_snapshot_id bigint;
begin
  for v_row.session_date, v_row.ts in
    select x.session_date, x.session_date + e.at
    from ref.sessions x
    cross join unnest(s.entry_times) e (at)
    where x.session_date >= p_from::date
      and x.session_date <= p_to::date
      and x.session_date + e.at > greatest(p_from, x.ts_open)
      and x.session_date + e.at <= least(p_to, x.ts_close)
    order by 2
  loop
    v_all := array(select signal.vertical_candidates(v_row.ts, p_context));
    c := v_all[1];
    v_row.skip := case when c.long_id is null then coalesce(c.reject, 'no_long_leg') else c.reject end;
    v_row.direction := case when v_row.skip is null then case c.option_kind when 'put' then 1 else -1 end end;
    v_row.legs := case when v_row.skip is null then array[-c.short_id, c.long_id] end;
    v_row.score := case when v_row.skip is null then c.score end;
    v_row.close_e4 := signal.last_close(p_context.instrument_id, p_context.feed_id, v_row.ts, p_context.as_of);
    v_vix := signal.last_close(v_vix_id, p_context.feed_id, v_row.ts, p_context.as_of) / 10000.0;
    v_vix9d := signal.last_close(v_vix9d_id, p_context.feed_id, v_row.ts, p_context.as_of) / 10000.0;
    -- What the vendor sent of this very instant, where the chain came as a snapshot.
    select x.snapshot_id into v_snapshot_id
    from market.chain_snapshots x
    where x.underlying_id = p_context.instrument_id and x.ts_event = v_row.ts and x.ts_recv <= p_context.as_of
      and (x.expiration = c.expiration or x.expiration is null)
    order by x.snapshot_id
    limit 1;
    v_row.features := jsonb_strip_nulls(jsonb_build_object(
      'expiration', c.expiration, 'dte', c.dte, 'option_kind', c.option_kind, 'short_strike', c.short_strike_e4 / 10000.0,
      'long_strike', c.long_strike_e4 / 10000.0, 'short_delta', round(c.short_delta::numeric, 6), 'long_delta', round(c.long_delta::numeric, 6),
      'short_iv', round(c.short_iv::numeric, 6), 'forward', round(c.forward::numeric, 4), 'bid', c.bid_e4 / 10000.0, 'ask', c.ask_e4 / 10000.0,
      'credit', c.credit_e4 / 10000.0, 'width', c.width_e4 / 10000.0, 'reward', round(c.reward::numeric, 6),
      'distance', round(c.distance::numeric, 6), 'cost', round(c.cost::numeric, 6), 'score', round(c.score::numeric, 6),
      'vix', v_vix, 'vix9d', v_vix9d, 'term', round((v_vix9d / nullif(v_vix, 0))::numeric, 6), 'snapshot_id', v_snapshot_id,
      'candidates', cardinality(v_all),
      'rejected', (
        select jsonb_object_agg(r.reject, r.n) from (
          select a.reject, count(*) as n from unnest(v_all) a where a.reject is not null group by a.reject
        ) r
      )
    ));
    return next v_row;
  end loop;
end
$$;
comment on function signal.spx_credit_vertical(timestamp, timestamp, signal.context) is
  'Rule of strategy spx_credit_vertical at its entry_times in (p_from, p_to]: the best of signal.vertical_candidates, put spreads as direction 1 and call '
  'spreads as -1, or why there is none. features holds the figures of the best (or of the one that came furthest), what was rejected and why, VIX, VIX9D and '
  'their ratio from the tick feed, and the chain snapshot of the same instant.';
grant execute on function signal.spx_credit_vertical(timestamp, timestamp, signal.context) to job_runner, backup;
