create or replace function trade.store_positions(p_account text, p_ts timestamp, p_positions jsonb) returns void
language sql volatile
as $$
  insert into trade.broker_positions (account, ts, instrument_id, qty, avg_px_e4, market_value)
  select p_account, p_ts, i.instrument_id, p.qty, p.avg_px_e4, p.market_value
  from jsonb_to_recordset(p_positions) as p (symbol text, qty integer, avg_px_e4 integer, market_value numeric)
  join ref.instruments i on i.symbol = p.symbol
  on conflict do nothing
$$;
comment on function trade.store_positions(text, timestamp, jsonb) is
  'Stores the positions that a broker reports: an array of {symbol, qty, avg_px_e4, market_value}. Symbols that ref.instruments does not know are left out.';
grant execute on function trade.store_positions(text, timestamp, jsonb) to job_runner;
