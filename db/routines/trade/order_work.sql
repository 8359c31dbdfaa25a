create or replace function trade.order_work(p_account text, p_as_of timestamp)
returns table (
  intent_id bigint, position_id bigint, action text, reason text, purpose text, venue_order_id text, symbol text, side text, effect text,
  qty integer, order_type text, limit_px_e4 integer, stop_px_e4 integer, ts timestamp, legs jsonb
)
language plpgsql stable
as $$
begin
  perform engine.plan_by_key();
  return query
  with o as materialized (
    select * from trade.account_orders(p_account, p_as_of) a where not a.is_over
  ), seen as (
    select
      o.*,
      -- What is at the broker for the same position, apart from this order.
      count(*) filter (where o.state <> 'created') over same_position - case when o.state <> 'created' then 1 else 0 end as working,
      bool_or(o.purpose = 'entry') over same_position as is_opening,
      exists (select from trade.decisions d where d.position_id = o.position_id and d.kind = 'exit') as is_leaving,
      exists (select from trade.position_slots p where p.position_id = o.position_id) as has_slot,
      coalesce(
        (select max(f.ts) from trade.decisions d join trade.fills f on f.position_id = d.position_id where d.decision_id = o.depends_on_id), o.ts
      ) as ts_begun,
      make_interval(secs => (r.params ->> 'entry_valid_ms')::integer / 1000.0) as entry_valid,
      make_interval(secs => (r.params ->> 'reversal_valid_ms')::integer / 1000.0) as reversal_valid,
      case when o.purpose = 'entry' then trade.entry_bar(r, p_as_of) end as bar,
      o.purpose = 'entry' and o.state = 'created' and exists (
        select from trade.lost_positions(r.account, r.strategy, r.broker, p_as_of - interval '1 day')
      ) as has_lost
    from o
    join trade.runs r on r.run_id = o.run_id
    window same_position as (partition by o.position_id)
  ), decided as (
    select
      s.*,
      case
        when s.state <> 'created' then
          case
            when s.venue_order_id is null then null
            when s.is_canceling then 'cancel: as decided'
            when s.purpose = 'entry' and s.bar in ('halted', 'no_run') then 'cancel: ' || s.bar
            -- As the walk would have decided, were it alive.
            when s.purpose = 'entry' and p_as_of > s.ts_submitted + s.entry_valid + interval '5 seconds' then 'cancel: unfilled'
            when s.purpose = 'protect' and s.is_leaving then 'cancel: the exit goes first'
            when s.purpose <> 'entry' and s.held_qty <= 0 and not s.is_opening then 'cancel: nothing is open'
          end
        when s.is_canceling then 'drop: canceled: never sent'
        when s.purpose = 'entry' then
          case
            when not s.has_slot and s.depends_on_id is null then 'drop: denied: its slot has been given up'
            when not s.has_slot and p_as_of > s.ts + s.reversal_valid + interval '1 minute' then
              'drop: denied: the position that it reverses is still open'
            when not s.has_slot then null
            when p_as_of > s.ts_begun + s.entry_valid then 'drop: denied: too late'
            when s.bar is not null then 'drop: denied: ' || s.bar
            when s.has_lost then 'drop: denied: a position without a slot is open'
            else 'send'
          end
        when s.ts < p_as_of::date then 'drop: canceled: of an earlier day'
        when s.purpose = 'protect' and s.is_leaving then 'drop: canceled: the exit goes first'
        when s.held_qty <= 0 and not s.is_opening then 'drop: canceled: nothing is open'
        -- What only some of its legs have open cannot be closed as one: people have been told.
        when s.working > 0 or s.open_qty <= 0 then null
        else 'send'
      end as verdict
    from seen s
  )
  select
    d.intent_id, d.position_id, split_part(d.verdict, ': ', 1), nullif(substr(d.verdict, length(split_part(d.verdict, ': ', 1)) + 3), ''),
    d.purpose, d.venue_order_id, d.symbol, d.side, d.effect,
    case
      when d.purpose = 'exit' and d.verdict = 'send' then least(d.qty, trade.confirmed_qty(p_account, d.position_id, d.open_qty, p_as_of))
      when d.effect = 'close' then least(d.qty, d.open_qty)
      else d.qty
    end,
    d.order_type, d.limit_px_e4, d.stop_px_e4, d.ts, d.legs
  from decided d
  where d.verdict is not null
  order by
    case split_part(d.verdict, ': ', 1) when 'drop' then 0 when 'cancel' then 1 else 2 end,
    case d.purpose when 'exit' then 0 when 'protect' then 1 else 2 end,
    d.intent_id;
end
$$;
comment on function trade.order_work(text, timestamp) is
  'What is to be done at an account''s broker now, in this order: drop (end an order that was never sent: the reason begins with the state), cancel, send. '
  'An entry is sent only while its slot is claimed for it, in time, and with no bar; an exit only when nothing else of its position works at the broker, '
  'for what is open at most, and what its broker confirms (trade.confirmed_qty); a stop while the position is not being left. '
  'What is sent and unknown blocks its position until it is reconciled. An entry '
  'that works is canceled under the kill switch, without an open run, and when nobody has done so 5 s after its time.';
grant execute on function trade.order_work(text, timestamp) to job_runner;
