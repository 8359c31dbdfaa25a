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
  if v_run.mode = 'live' then
    raise exception 'run % was live: its facts stay', p_run_id using errcode = 'SB009';
  end if;
  perform set_config('strikebase.dropping_run', 'on', true);
  delete from trade.position_slots where account = v_run.account;
  delete from trade.fills where run_id = p_run_id;
  delete from trade.order_events where run_id = p_run_id;
  delete from trade.cancel_requests where run_id = p_run_id;
  delete from trade.order_intent_legs l using trade.order_intents i where i.intent_id = l.intent_id and i.run_id = p_run_id;
  delete from trade.order_intents where run_id = p_run_id;
  delete from trade.decisions where run_id = p_run_id and kind = 'exit';
  delete from trade.decisions where run_id = p_run_id;
  delete from signal.signals where run_id = p_run_id;
  delete from signal.periods where run_id = p_run_id;
  delete from trade.slices where run_id = p_run_id;
  delete from trade.runs where run_id = p_run_id;
  perform set_config('strikebase.dropping_run', 'off', true);
end
$$;
comment on function trade.drop_run(bigint) is
  'Removes a replay or backtest with everything it wrote. For the owner, who alone may delete; never a live run (SB009).';
