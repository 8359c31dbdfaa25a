create or replace function trade.open_run(
  p_mode text, p_strategy text, p_from timestamp, p_to timestamp, p_tick_feed text, p_quote_feed text, p_settings jsonb,
  p_broker text, p_code_hash text, p_as_of timestamp, p_keeps text default 'all'
) returns bigint
language plpgsql volatile
as $$
declare
  v_strategy ref.strategies;
  v_ticks ref.feeds;
  v_quotes ref.feeds;
  v_instrument_id integer;
  v_run_id bigint;
  v_left record;
begin
  select (s).* into v_strategy
  from (select s from ref.strategies s where s.strategy = p_strategy order by s.version desc limit 1) as newest;
  if v_strategy.strategy is null then
    raise exception 'unknown strategy %', p_strategy using errcode = 'SB007', hint = 'strikebase strategies list shows them.';
  end if;
  if p_mode = 'live' and not v_strategy.enabled then
    raise exception 'strategy % is disabled', p_strategy
      using errcode = 'SB007', hint = format('strikebase strategies enable %s', p_strategy);
  end if;
  v_strategy := trade.apply_settings(v_strategy, p_settings);
  select * into v_ticks from ref.feeds f where f.name = p_tick_feed and f.kind = 'equity';
  select * into v_quotes from ref.feeds f where f.name = p_quote_feed and f.kind = 'option';
  select i.instrument_id into v_instrument_id from ref.instruments i where i.symbol = v_strategy.underlying;
  if v_ticks.feed_id is null or v_quotes.feed_id is null or v_instrument_id is null then
    raise exception 'no data for this run: tick feed % is %, quote feed % is %, symbol % is %',
      p_tick_feed, coalesce(v_ticks.feed_id::text, 'unknown'), p_quote_feed, coalesce(v_quotes.feed_id::text, 'unknown'),
      v_strategy.underlying, coalesce(v_instrument_id::text, 'unknown')
      using errcode = 'SB006', hint = 'Import data first, or name the feeds with --feed and --quote-feed.';
  end if;
  if p_mode = 'live' and exists (
    select from trade.position_slots p
    join trade.decisions d on d.decision_id = p.position_id
    join trade.runs r on r.run_id = d.run_id
    where p.account = v_strategy.account and p.strategy = v_strategy.strategy and r.broker <> p_broker
  ) then
    -- What was sold on paper must not be bought back for money.
    raise exception 'account % holds a position of another broker than %', v_strategy.account, p_broker
      using errcode = 'SB008', hint = format('Give the strategy an account of its own: strikebase strategies set %s account=NAME.', p_strategy);
  end if;
  if p_mode = 'live' and p_broker <> 'paper' then
    -- Only the strategy that opened a position closes it, and one at a time runs on an account.
    select p.strategy, i.symbol into v_left
    from trade.position_slots p
    join trade.decisions d on d.decision_id = p.position_id
    join trade.runs r on r.run_id = d.run_id
    join ref.instruments i on i.instrument_id = d.instrument_id
    where p.account = v_strategy.account
      and p.strategy <> v_strategy.strategy
      and r.broker = p_broker
      and i.expiration >= p_as_of::date
    limit 1;
    if v_left.strategy is not null then
      raise exception 'strategy % holds % in account %: only it would close that', v_left.strategy, v_left.symbol, v_strategy.account
        using errcode = 'SB008', hint = format('Start %s again until it is flat.', v_left.strategy);
    end if;
  end if;
  v_run_id := nextval(pg_get_serial_sequence('trade.runs', 'run_id'));
  if p_mode <> 'live' then
    v_strategy.account := p_mode || '-' || v_run_id;
  end if;
  insert into trade.runs (
    run_id, mode, strategy, version, account, broker, instrument_id, tick_feed_id, quote_feed_id, quote_source, params,
    stale_after_ms, grace_ms, max_decision_age_ms, code_hash, ts_from, ts_to, ts_created, keeps
  ) overriding system value values (
    v_run_id, p_mode, v_strategy.strategy, v_strategy.version, v_strategy.account, p_broker, v_instrument_id, v_ticks.feed_id,
    v_quotes.feed_id, v_quotes.source, to_jsonb(v_strategy), v_quotes.stale_after_ms,
    -- What decides at set times does so on snapshots: they are whole when their mark says so, and take their time to come.
    case when p_mode = 'live' and v_strategy.entry_times is null then 1000 else 0 end,
    case when p_mode = 'live' then case when v_strategy.entry_times is null then 5000 else 60000 end end,
    p_code_hash, p_from, p_to, p_as_of, p_keeps
  );
  insert into trade.position_slots (account, strategy, slot)
  select v_strategy.account, v_strategy.strategy, n from generate_series(1, v_strategy.slots) as n
  on conflict on constraint position_slots_pk do nothing;
  return v_run_id;
end
$$;
comment on function trade.open_run(text, text, timestamp, timestamp, text, text, jsonb, text, text, timestamp, text) is
  'Opens a run of the current version of a strategy over [p_from, p_to) and returns its id. p_settings changes parameters for this run only; p_keeps is trade.runs.keeps. '
  'SB006: no data, SB007: unknown strategy, SB008: a setting is out of bounds, or the account holds a position of another broker; a second live run of an account violates runs_one_live_idx.';
grant execute on function trade.open_run(text, text, timestamp, timestamp, text, text, jsonb, text, text, timestamp, text) to job_runner;
