create or replace function trade.load_session(p_run trade.runs, p_strategy ref.strategies, p_session_date date, p_before timestamp)
returns trade.session_state
language plpgsql stable
as $$
declare
  v_day trade.session_state;
  v_runs bigint[];
begin
  select s.session_date, s.ts_open, s.ts_close, s.ts_option_close, s.ts_open + make_interval(mins => p_strategy.front_buffer_min),
    s.ts_close - make_interval(mins => p_strategy.back_buffer_min)
  into v_day.session_date, v_day.ts_open, v_day.ts_close, v_day.ts_option_close, v_day.ts_entry_from, v_day.ts_entry_to
  from ref.sessions s where s.session_date = p_session_date;
  v_day.session_date := p_session_date;
  v_day.ts_flat := case when p_strategy.flat_at_close then v_day.ts_entry_to else 'infinity' end;
  select f.commission_per_contract, f.fees_per_contract, f.sell_fees_per_contract
  into v_day.commission_per_contract, v_day.fees_per_contract, v_day.sell_fees_per_contract
  from ref.fee_schedules f
  where f.broker = case p_run.broker when 'paper' then p_strategy.fee_broker else p_run.broker end and f.valid_from <= p_session_date
  order by f.valid_from desc limit 1;
  -- All that is stored has happened; the limits of a live account span its runs of the day. Each look-up goes by key.
  v_runs := array(select r.run_id from trade.runs r where r.account = p_run.account and r.strategy = p_run.strategy);
  select
    max(d.ts) filter (where d.kind = 'entry'),
    max(d.ts) filter (
      where d.kind = 'exit' and (p_strategy.cooldown_from_exit = 'all'
        or (p_strategy.cooldown_from_exit = 'stop_and_target' and d.reason in ('take_profit', 'stop_loss')))
    ),
    count(*) filter (where d.kind = 'entry'),
    coalesce(bool_or(d.kind = 'exit' and d.reason = 'stop_loss'), false)
  into v_day.ts_last_acted, v_day.ts_last_exit, v_day.entries_day, v_day.has_stopped
  from unnest(v_runs) r (run_id)
  cross join lateral (
    select x.ts, x.kind, x.reason from trade.decisions x
    where x.run_id = r.run_id and x.verdict = 'TRADE' and x.ts >= p_session_date and x.ts < p_session_date + interval '1 day'
    offset 0
  ) d;
  select coalesce(count(*), 0), coalesce(array_agg(i.ts order by i.ts) filter (where i.ts > p_before - interval '60 seconds'), '{}')
  into v_day.orders_day, v_day.recent_orders
  from unnest(v_runs) r (run_id)
  cross join lateral (
    select x.ts from trade.order_intents x
    where x.run_id = r.run_id and x.ts >= p_session_date and x.ts < p_session_date + interval '1 day'
    offset 0
  ) i;
  -- Realised on the day on which the last contract was closed.
  select coalesce(sum(x.net), 0) into v_day.day_pl
  from unnest(v_runs) r (run_id)
  cross join lateral (
    select t.net from trade.round_trips t
    where t.run_id = r.run_id and t.ts_exit >= p_session_date and t.ts_exit < p_session_date + interval '1 day'
    offset 0
  ) x;
  return v_day;
end
$$;
comment on function trade.load_session(trade.runs, ref.strategies, date, timestamp) is
  'What the gates remember of a session, read back from the decisions, intents and fills of the account; of its orders, those of the 60 s before p_before.';
grant execute on function trade.load_session(trade.runs, ref.strategies, date, timestamp) to job_runner;
