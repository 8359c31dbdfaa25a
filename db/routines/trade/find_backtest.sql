create or replace function trade.find_backtest(
  p_strategy text, p_from timestamp, p_to timestamp, p_tick_feed text, p_quote_feed text, p_settings jsonb, p_code_hash text,
  out params jsonb, out run_id bigint
)
language plpgsql volatile
as $$
declare
  v_strategy ref.strategies;
begin
  select (s).* into v_strategy
  from (select s from ref.strategies s where s.strategy = p_strategy order by s.version desc limit 1) as newest;
  if v_strategy.strategy is null then
    raise exception 'unknown strategy %', p_strategy using errcode = 'SB007', hint = 'strikebase strategies list shows them.';
  end if;
  params := to_jsonb(trade.apply_settings(v_strategy, p_settings)) - 'account';
  select max(r.run_id) into run_id
  from trade.runs r
  join ref.feeds tf on tf.feed_id = r.tick_feed_id
  join ref.feeds qf on qf.feed_id = r.quote_feed_id
  where r.mode = 'backtest'
    and r.outcome = 'completed'
    and r.strategy = p_strategy
    and r.version = v_strategy.version
    and r.ts_from = p_from
    and r.ts_to = p_to
    and r.code_hash = p_code_hash
    and tf.name = p_tick_feed
    and qf.name = p_quote_feed
    and r.params - 'account' = find_backtest.params
    -- What was imported since might have changed it.
    and not exists (
      select from ops.imports i
      where i.feed_id in (r.tick_feed_id, r.quote_feed_id) and i.ts >= r.ts_created
        and i.ts_first < r.ts_to and i.ts_last >= r.ts_from
    );
end
$$;
comment on function trade.find_backtest(text, timestamp, timestamp, text, text, jsonb, text) is
  'The parameters that a backtest with these settings would use (SB007, SB008 as trade.open_run), and the newest completed one that used them over the same range '
  'of the same feeds with the same code, unless something was imported into that range since; null where there is none.';
grant execute on function trade.find_backtest(text, timestamp, timestamp, text, text, jsonb, text) to job_runner;
