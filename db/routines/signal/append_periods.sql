create or replace function signal.append_periods(
  p_from timestamp, p_to timestamp, p_context signal.context, p_root text, p_quote_feed_id smallint, p_run_id bigint, p_is_revision boolean
) returns integer
language plpgsql volatile
as $$
declare
  v_count integer;
  v_quotes_from timestamp;
begin
  -- Quotes of the session's own day only: a quote of the day before is no quote.
  v_quotes_from := date_trunc('day', p_from);
  insert into signal.periods (
    run_id, instrument_id, ts, revision, session_date, open_e4, high_e4, low_e4, close_e4, volume_e6, notional_e12, tick_count,
    vwap_is_typical, vwap_e6, session_vwap_e6, ma_sum_e4, ma_e6, strike_e4, call_id, call_bid_e4, call_ask_e4, call_ts,
    put_id, put_bid_e4, put_ask_e4, put_ts
  )
  with chosen as materialized (
    -- n and n + 1 are the strikes around the VWAP; equally near, the call takes the higher one and the put the lower one.
    select
      b.*, b.ordinality as nth, l.call_ids[a.call_at] as call_id, l.put_ids[a.put_at] as put_id,
      (l.strikes_e6[a.put_at] / 100)::integer as strike_e4
    from signal.build_periods(p_from, p_to, p_context) with ordinality b
    left join signal.listed_strikes(p_context.instrument_id, p_root, v_quotes_from::date) l
      on l.strikes_e6 is not null and b.vwap_e6 is not null and b.session_date = v_quotes_from::date
    cross join lateral (select width_bucket(b.vwap_e6, l.strikes_e6) as n offset 0) p
    cross join lateral (
      select l.strikes_e6[p.n + 1] - b.vwap_e6 as above, b.vwap_e6 - l.strikes_e6[p.n] as below offset 0
    ) d
    cross join lateral (
      select
        case when d.below is null or d.above <= d.below then p.n + 1 else p.n end as call_at,
        case when d.above is null or d.below <= d.above then p.n else p.n + 1 end as put_at
    ) a
  ), quoted as materialized (
    select q.* from signal.quotes_as_of(
      -- Calls first, then puts: a period's put stands a whole round behind its call.
      (select array_agg(c.call_id order by c.nth) || array_agg(c.put_id order by c.nth) from chosen c),
      (select array_agg(c.ts order by c.nth) || array_agg(c.ts order by c.nth) from chosen c),
      p_quote_feed_id, v_quotes_from, (select max(c.ts) from chosen c), p_context.as_of
    ) q
  )
  select
    p_run_id, p_context.instrument_id, c.ts, coalesce(latest.revision + 1, 0), c.session_date, c.open_e4, c.high_e4, c.low_e4,
    c.close_e4, c.volume_e6, c.notional_e12, c.tick_count, c.vwap_is_typical, c.vwap_e6, c.session_vwap_e6, c.ma_sum_e4, c.ma_e6,
    c.strike_e4, c.call_id, call_quote.bid_px_e4, call_quote.ask_px_e4, call_quote.ts_event,
    c.put_id, put_quote.bid_px_e4, put_quote.ask_px_e4, put_quote.ts_event
  from chosen c
  left join quoted call_quote on call_quote.nth = c.nth
  left join quoted put_quote on put_quote.nth = c.nth + (select count(*) from chosen)
  left join lateral (
    select max(s.revision)::smallint as revision from signal.periods s
    where p_is_revision and s.run_id = p_run_id and s.instrument_id = p_context.instrument_id and s.ts = c.ts
  ) latest on true;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function signal.append_periods(timestamp, timestamp, signal.context, text, smallint, bigint, boolean) is
  'Stores the periods that close in (p_from, p_to] for a run, with the contracts nearest to the VWAP and their quotes as of each period''s end; '
  'as a further revision of every one when p_is_revision. Returns their number.';
grant execute on function signal.append_periods(timestamp, timestamp, signal.context, text, smallint, bigint, boolean) to job_runner;
