create or replace function trade.drop_run(p_run_id bigint) returns void
language plpgsql volatile
as $$
declare
  v_run trade.runs;
begin
  select * into v_run from trade.runs r where r.run_id = p_run_id;
  if v_run.run_id is null then
    raise exception 'run % does not exist', p_run_id using errcode = 'SB002';
  end if;
  -- Money may have been at stake wherever the market was real, or the broker: simulated quotes alone do not say that nothing was sold. A demo's account is
  -- its own, and the broker that it may name is a simulator.
  if v_run.mode = 'live' and not (
    v_run.quote_source = 'simulated' and (v_run.broker = 'paper' or v_run.account ~ '^demo-[0-9]+$')
  ) then
    raise exception 'run % was live: its facts stay', p_run_id using errcode = 'SB009';
  end if;
  if v_run.mode = 'live' and v_run.ts_ended is null then
    raise exception 'run % goes on: its facts stay', p_run_id
      using errcode = 'SB009', hint = 'End the process that trades it, then drop it.';
  end if;
  if exists (
    select from trade.order_intents o
    join trade.decisions d on d.decision_id = o.position_id
    where d.run_id = p_run_id and d.verdict = 'TRADE' and o.run_id <> p_run_id
  ) then
    raise exception 'a later run has traded positions of run %', p_run_id
      using errcode = 'SB009', hint = 'Drop the later run first.';
  end if;
  perform set_config('strikebase.dropping_run', 'on', true);
  delete from trade.position_slots s
  where s.account = v_run.account and (
    v_run.mode <> 'live' or exists (select from trade.decisions d where d.decision_id = s.position_id and d.run_id = p_run_id)
  );
  delete from trade.closed_days where run_id = p_run_id;
  delete from trade.closed_trips where run_id = p_run_id;
  delete from trade.fills where run_id = p_run_id;
  delete from trade.order_events where run_id = p_run_id;
  delete from trade.cancel_requests where run_id = p_run_id;
  delete from trade.order_intent_legs l using trade.order_intents i where i.intent_id = l.intent_id and i.run_id = p_run_id;
  delete from trade.order_intents where run_id = p_run_id;
  delete from trade.decisions where run_id = p_run_id and kind = 'exit';
  delete from trade.decisions where run_id = p_run_id;
  delete from trade.skip_counts where run_id = p_run_id;
  delete from signal.signals where run_id = p_run_id;
  delete from signal.periods where run_id = p_run_id;
  delete from trade.slices where run_id = p_run_id;
  delete from trade.runs where run_id = p_run_id;
  perform set_config('strikebase.dropping_run', 'off', true);
end
$$;
comment on function trade.drop_run(bigint) is
  'Removes a replay, a backtest, or an ended live run of a simulated market with everything it wrote. For the owner, who alone may delete; never a live run '
  'that saw a real market or a real broker (SB009).';
