create or replace function trade.face_periods(
  p_run trade.runs, p_strategy ref.strategies, p_day trade.session_state, p_from timestamp, p_to timestamp, p_multiplier integer,
  p_as_of timestamp
) returns trade.face[]
language plpgsql stable
as $$
declare
  v_sells_put_on smallint := case p_strategy.sell_on_cross_up when 'put' then 1 else -1 end;
begin
  return array(
    select row(
      p.ts, p.session_date, g.direction, c.instrument_id, c.bid_e4, c.ask_e4, c.quote_ts,
      coalesce(coalesce(c.risk_e4, i.strike_e4, p.strike_e4)::numeric * p_multiplier * p_strategy.contracts / 10000, 0),
      p.ts >= p_day.ts_entry_from and p.ts < p_day.ts_entry_to,
      case when p_run.max_decision_age_ms is not null then
        (extract(epoch from p_as_of - p.ts) * 1000)::bigint <= p_run.max_decision_age_ms
      end,
      case when g.direction is not null then
        coalesce(
          c.bid_e4 > 0 and c.ask_e4 >= c.bid_e4 and (extract(epoch from p.ts - c.quote_ts) * 1000)::bigint <= p_run.stale_after_ms, false
        )
      end,
      g.skip,
      case when p_strategy.blackout_min > 0 and g.direction is not null then trade.near_event(p.ts, p_strategy.blackout_min) end
    )::trade.face
    from signal.periods p
    left join (
      select x.ts, x.direction, x.skip, x.legs from signal.signals x
      where x.run_id = p_run.run_id and x.instrument_id = p_run.instrument_id and x.ts > p_from and x.ts <= p_to
    ) g on g.ts = p.ts
    cross join lateral (
      select
        case g.direction when v_sells_put_on then p.put_id when -v_sells_put_on then p.call_id end as instrument_id,
        case g.direction when v_sells_put_on then p.put_bid_e4 when -v_sells_put_on then p.call_bid_e4 end as bid_e4,
        case g.direction when v_sells_put_on then p.put_ask_e4 when -v_sells_put_on then p.call_ask_e4 end as ask_e4,
        case g.direction when v_sells_put_on then p.put_ts when -v_sells_put_on then p.call_ts end as quote_ts,
        null::integer as risk_e4
      where g.legs is null
      union all
      select x.instrument_id, q.bid_e4, q.ask_e4, q.ts, trade.risk_px(x.instrument_id)
      from ref.spreads x
      left join lateral trade.spread_quote(x.instrument_id, p_run, p_strategy, p.ts, p_as_of) q on true
      where x.legs = g.legs
    ) c
    left join lateral (
      select x.strike_e4 from ref.instruments x where x.instrument_id = c.instrument_id limit 1
    ) i on true
    where p.run_id = p_run.run_id
      and p.instrument_id = p_run.instrument_id
      and p.ts > p_from
      and p.ts <= p_to
      and p.revision = 0
    order by p.ts
  );
end
$$;
comment on function trade.face_periods(trade.runs, ref.strategies, trade.session_state, timestamp, timestamp, integer, timestamp) is
  'The periods that close in (p_from, p_to] as the entry gates face them, in order of time.';
grant execute on function trade.face_periods(trade.runs, ref.strategies, trade.session_state, timestamp, timestamp, integer, timestamp)
  to job_runner;
