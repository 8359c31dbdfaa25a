create or replace function trade.day_bookings(p_account text, p_session_date date)
returns table (venue_order_id text, symbol text, qty integer, amount numeric, fees numeric)
language plpgsql stable
as $$
begin
  perform engine.plan_by_key();
  return query
  select
    o.venue_order_id, n.symbol, sum(case f.side when 'buy' then f.qty else -f.qty end)::integer,
    sum(case f.side when 'buy' then -1 else 1 end * f.qty * f.px_e4::bigint * n.multiplier) / 10000.0,
    sum(f.commission + f.fees)
  from trade.runs r
  cross join lateral (
    select x.* from trade.fills x
    where x.run_id = r.run_id and x.ts >= p_session_date and x.ts < p_session_date + interval '1 day' offset 0
  ) f
  join ref.instruments n on n.instrument_id = f.instrument_id
  left join lateral (
    select e.venue_order_id from trade.order_events e
    where e.intent_id = f.intent_id and e.venue_order_id is not null order by e.event_id desc limit 1
  ) o on true
  where r.account = p_account and r.mode = 'live' and r.broker <> 'paper'
  group by o.venue_order_id, n.symbol;
end
$$;
comment on function trade.day_bookings(text, date) is
  'What an account''s fills of a day come to, by order at the broker and contract: contracts (negative when sold), dollars received less paid without fees, '
  'and fees in dollars.';
grant execute on function trade.day_bookings(text, date) to job_runner;
