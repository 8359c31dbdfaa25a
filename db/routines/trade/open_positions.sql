create or replace function trade.open_positions(p_account text) returns table (symbol text, qty integer)
language sql stable
as $$
  select i.symbol, f.qty
  from (
    select x.instrument_id, sum(case x.side when 'buy' then x.qty else -x.qty end)::integer as qty
    from trade.fills x
    where x.account = p_account
      -- Its days on paper are no business of the broker's.
      and x.run_id in (select r.run_id from trade.runs r where r.account = p_account and r.mode = 'live' and r.broker <> 'paper')
    group by x.instrument_id
  ) f
  join ref.instruments i on i.instrument_id = f.instrument_id
  where f.qty <> 0
$$;
comment on function trade.open_positions(text) is 'What an account holds at its broker by our fills: contracts by symbol, negative when short.';
grant execute on function trade.open_positions(text) to job_runner;
