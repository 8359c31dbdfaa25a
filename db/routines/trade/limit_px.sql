create or replace function trade.limit_px(p_strategy ref.strategies, p_side text, p_px_e4 integer) returns integer
language plpgsql stable
as $$
declare
  v_increment integer;
begin
  -- A bid or an ask is a price that can be ordered; what lies between them has to be made one that it fills.
  if p_px_e4 is null or p_strategy.fill_ratio = 0.5 then
    return p_px_e4;
  end if;
  v_increment := trade.price_step(p_strategy, p_px_e4);
  return case p_side when 'buy' then ceil(p_px_e4::numeric / v_increment) else floor(p_px_e4::numeric / v_increment) end * v_increment;
end
$$;
comment on function trade.limit_px(ref.strategies, text, integer) is
  'The limit of an order at a price that fill_ratio has put between bid and ask: a whole increment, above it to buy and below it to sell, so that the price fills it.';
grant execute on function trade.limit_px(ref.strategies, text, integer) to job_runner;
