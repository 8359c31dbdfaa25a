create or replace function trade.cost_extremes(
  p_instrument_id integer, p_run trade.runs, p_strategy ref.strategies, p_from timestamp, p_to timestamp,
  out lowest_e4 integer, out highest_e4 integer
)
language plpgsql stable
-- Planned with the range at hand, so that only its chunks are opened.
set plan_cache_mode = force_custom_plan
as $$
begin
  if exists (select from ref.spreads s where s.instrument_id = p_instrument_id) then
    select min(a.ask_e4), max(a.ask_e4) into lowest_e4, highest_e4
    -- A tape is that of one day.
    from generate_series(p_from::date::timestamp, p_to, interval '1 day') d
    cross join lateral trade.spread_tape(
      p_instrument_id, p_run, p_strategy, greatest(d, p_from), least(d + interval '1 day', p_to), 'infinity'
    ) t
    cross join lateral unnest(t.ask_e4) a (ask_e4);
  else
    select min(q.ask_px_e4), max(q.ask_px_e4) into lowest_e4, highest_e4
    from market.option_quotes q
    where q.instrument_id = p_instrument_id and q.feed_id = p_run.quote_feed_id and q.ts_event >= p_from and q.ts_event <= p_to
      and q.ask_px_e4 > 0 and q.ask_px_e4 >= coalesce(q.bid_px_e4, 0);
  end if;
end
$$;
comment on function trade.cost_extremes(integer, trade.runs, ref.strategies, timestamp, timestamp) is
  'The least and the most that buying back a contract or a spread would have cost in [p_from, p_to], 1/10,000 dollar a share: asks, of a spread its tape''s '
  '(trade.spread_tape). Nulls without a quote.';
grant execute on function trade.cost_extremes(integer, trade.runs, ref.strategies, timestamp, timestamp) to job_runner;
