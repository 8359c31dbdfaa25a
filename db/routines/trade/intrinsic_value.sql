create or replace function trade.intrinsic_value(p_run trade.runs, p_instrument_id integer) returns integer
language plpgsql stable
-- Planned with the range at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
as $$
declare
  v_contract ref.instruments;
  v_session ref.sessions;
  v_close_e4 integer;
begin
  select i.* into v_contract from ref.instruments i where i.instrument_id = p_instrument_id;
  select s.* into v_session from ref.sessions s where s.session_date = v_contract.expiration;
  select t.close_e4 into v_close_e4
  from market.equity_ticks t
  where t.instrument_id = p_run.instrument_id
    and t.feed_id = p_run.tick_feed_id
    -- A feed that ended long before the close does not know what the contract was worth.
    and t.ts_event >= v_session.ts_close - interval '5 minutes'
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
comment on function trade.intrinsic_value(trade.runs, integer) is
  'What a contract was worth at its expiry, 1/10,000 dollar, against the underlying''s last price in the run''s feed within the five minutes before its '
  'close; null where there is none. Stands in for the assignment of an American contract.';
grant execute on function trade.intrinsic_value(trade.runs, integer) to job_runner;
