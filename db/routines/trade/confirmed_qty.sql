create or replace function trade.confirmed_qty(p_account text, p_position_id bigint, p_open_qty integer, p_as_of timestamp) returns integer
language plpgsql stable
as $$
declare
  v_qty integer;
begin
  select abs(b.qty) into v_qty
  from trade.decisions d
  join ref.instruments i on i.instrument_id = d.instrument_id
  join trade.open_positions(p_account) o on o.symbol = i.symbol
  join trade.broker_positions b on b.account = p_account and b.instrument_id = d.instrument_id
  where d.decision_id = p_position_id
    and b.ts = (
      select max(x.ts) from trade.broker_positions x
      where x.account = p_account and x.ts > p_as_of - interval '90 seconds' and x.ts <= p_as_of
    )
    -- Positions are told later than fills.
    and b.ts > (select max(f.ts) from trade.fills f where f.position_id = p_position_id) + interval '10 seconds'
    -- No other position of ours holds the contract, and something is left of this one.
    and abs(o.qty) = p_open_qty
    and sign(b.qty) = sign(o.qty)
    and abs(b.qty) < p_open_qty;
  return coalesce(v_qty, p_open_qty);
end
$$;
comment on function trade.confirmed_qty(text, bigint, integer, timestamp) is
  'Of the contracts that a position has open by our fills, how many its broker''s last reading confirms, where somebody else has closed some: an exit for '
  'more would be refused. All of them where there is no reading of the last 90 s, or none of the contract. Of a spread all.';
grant execute on function trade.confirmed_qty(text, bigint, integer, timestamp) to job_runner;
