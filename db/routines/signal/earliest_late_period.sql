create or replace function signal.earliest_late_period(p_run_id bigint, p_before timestamp, p_context signal.context) returns timestamp
language plpgsql stable
as $$
declare
  v_session ref.sessions;
  v_to timestamp;
  v_period interval := make_interval(secs => p_context.period_ms / 1000.0);
  v_closed timestamp;
  v_counted bigint;
begin
  select s.* into v_session
  from ref.sessions s
  where s.session_date <= p_before::date and s.session_date > p_before::date - 7 and s.ts_open < p_before
  order by s.session_date desc
  limit 1;
  v_to := least(v_session.ts_close, p_before);
  -- Ticks only ever become more: where all of them are as many as all periods have counted, no period has more.
  select max(p.ts), sum(p.tick_count) into v_closed, v_counted
  from (
    select distinct on (x.ts) x.ts, x.tick_count
    from signal.periods x
    where x.run_id = p_run_id
      and x.instrument_id = p_context.instrument_id
      and x.ts > v_session.ts_open
      and x.ts <= v_to
    order by x.ts, x.revision desc
  ) p;
  if v_closed is null or v_counted = signal.most_ticks(v_session.ts_open, v_closed, p_context) then
    return null;
  end if;
  return (
    -- By their number, not by their time of receipt: a row may have been received before a slice and committed after it. Added up, not joined: a
    -- join would count the session's ticks anew for every period.
    select min(k.ts)
    from (
      select k.ts
      from (
        (
          select distinct on (x.ts) x.ts, x.tick_count, true as is_period
          from signal.periods x
          where x.run_id = p_run_id
            and x.instrument_id = p_context.instrument_id
            and x.ts > v_session.ts_open
            and x.ts <= v_to
          order by x.ts, x.revision desc
        )
        union all
        select date_bin(v_period, t.ts_event, v_session.ts_open) + v_period, -count(*), false
        from market.equity_ticks t
        where t.instrument_id = p_context.instrument_id
          and t.feed_id = p_context.feed_id
          and t.ts_event >= v_session.ts_open
          and t.ts_event < v_to
          and t.ts_recv <= p_context.as_of
        group by 1
      ) k (ts, counted, is_period)
      group by k.ts
      having bool_or(k.is_period) and sum(k.counted) <> 0
    ) k
  );
end
$$;
comment on function signal.earliest_late_period(bigint, timestamp, signal.context) is
  'End of the earliest period of the last session begun before p_before under which there are more ticks now than its last revision has counted; '
  'null if there is none.';
grant execute on function signal.earliest_late_period(bigint, timestamp, signal.context) to job_runner;
