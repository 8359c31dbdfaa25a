create or replace function trade.intrinsic_value(p_run trade.runs, p_instrument_id integer, p_ts timestamp) returns integer
language plpgsql stable
-- engine.range_plans
set plan_cache_mode from current
as $$
declare
  v_contract ref.instruments;
  v_session ref.sessions;
  v_close_e4 integer;
begin
  if exists (select from ref.spreads x where x.instrument_id = p_instrument_id) then
    -- Unknown where that of one leg is: a sum of nulls would pass over it.
    return (
      select case when count(v.px_e4) = count(*) then sum(-l.side * v.px_e4) end
      from ref.legs_of(p_instrument_id) l
      cross join lateral (select trade.intrinsic_value(p_run, l.instrument_id, p_ts) as px_e4 offset 0) v
    );
  end if;
  select i.* into v_contract from ref.instruments i where i.instrument_id = p_instrument_id;
  select s.* into v_session from ref.sessions s where s.session_date = v_contract.expiration;
  select t.close_e4 into v_close_e4
  from market.equity_ticks t
  where t.instrument_id = p_run.instrument_id
    and t.feed_id = p_run.tick_feed_id
    -- A feed that ended long before the close does not know what the contract was worth; days later nobody will know better.
    and t.ts_event >= case
      when p_ts < v_session.session_date + interval '1 day' then v_session.ts_close - interval '5 minutes' else v_session.ts_open
    end
    and t.ts_event < v_session.ts_close
  order by t.ts_event desc, t.seq desc
  limit 1;
  -- greatest() passes over a null: an unknown price must stay unknown.
  if v_close_e4 is null then
    return null;
  end if;
  return greatest(0, (v_close_e4 - v_contract.strike_e4) * case v_contract.option_kind when 'call' then 1 else -1 end);
end
$$;
comment on function trade.intrinsic_value(trade.runs, integer, timestamp) is
  'What a contract, or a spread, was worth at its expiry, 1/10,000 dollar, against the underlying''s last price in the run''s feed within the five minutes before its '
  'close (settled on a later day: of that session); null where there is none. Stands in for the assignment of an American contract.';
grant execute on function trade.intrinsic_value(trade.runs, integer, timestamp) to job_runner;
