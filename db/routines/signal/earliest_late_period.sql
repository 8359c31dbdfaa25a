create or replace function signal.earliest_late_period(p_run_id bigint, p_before timestamp, p_context signal.context) returns timestamp
language plpgsql stable
as $$
declare
  v_session ref.sessions;
  v_period interval := make_interval(secs => p_context.period_ms / 1000.0);
  -- The least that is made of whole periods and of whole five minutes.
  v_bin interval := make_interval(secs => lcm(p_context.period_ms, 300000) / 1000.0);
  v_from timestamp;
  v_to timestamp;
begin
  select s.* into v_session
  from ref.sessions s
  where s.session_date <= p_before::date and s.session_date > p_before::date - 7 and s.ts_open < p_before
  order by s.session_date desc
  limit 1;
  v_from := v_session.ts_open;
  v_to := least(v_session.ts_close, p_before);
  if v_from = date_bin('5 minutes', v_from, '2000-01-01') then
    -- Ticks only ever become more: where there are as many as the periods of a bin have counted, none of these has more. What was received after
    -- as_of is among them, which only makes the search begin sooner.
    select min(f.ts) into v_from
    from (
      select k.ts
      from (
        select date_bin(v_bin, p.ts - v_period, v_session.ts_open), p.tick_count::bigint, true
        from (
          select distinct on (x.ts) x.ts, x.tick_count
          from signal.periods x
          where x.run_id = p_run_id
            and x.instrument_id = p_context.instrument_id
            and x.ts > v_session.ts_open
            and x.ts <= v_to
          order by x.ts, x.revision desc
        ) p
        union all
        select date_bin(v_bin, c.ts, v_session.ts_open), -c.ticks, false
        from market.tick_counts c
        where c.instrument_id = p_context.instrument_id
          and c.feed_id = p_context.feed_id
          and c.ts >= v_session.ts_open
          and c.ts < v_to
      ) k (ts, counted, is_period)
      group by k.ts
      having bool_or(k.is_period) and sum(k.counted) <> 0
    ) f;
    if v_from is null then
      return null;
    end if;
  end if;
  return (
    -- By their number, not by their time of receipt: a row may have been received before a slice and committed after it. Added up, not joined: a
    -- join would count the ticks anew for every period.
    select min(k.ts)
    from (
      select k.ts
      from (
        (
          select distinct on (x.ts) x.ts, x.tick_count, true
          from signal.periods x
          where x.run_id = p_run_id
            and x.instrument_id = p_context.instrument_id
            and x.ts > v_from
            and x.ts <= v_to
          order by x.ts, x.revision desc
        )
        union all
        select t.ts, -t.ticks, false from signal.ticks_by_period(v_from, v_to, v_session.ts_open, p_context) t
      ) k (ts, counted, is_period)
      group by k.ts
      having bool_or(k.is_period) and sum(k.counted) < 0
    ) k
  );
end
$$;
comment on function signal.earliest_late_period(bigint, timestamp, signal.context) is
  'End of the earliest period of the last session begun before p_before under which there are more ticks now than its last revision has counted; '
  'null if there is none. Reads the ticks of the last five minutes, and further back only where market.tick_counts says that there are more.';
grant execute on function signal.earliest_late_period(bigint, timestamp, signal.context) to job_runner;
