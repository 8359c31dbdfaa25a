create or replace function trade.price_step(p_strategy ref.strategies, p_px_e4 integer) returns integer
language sql stable
as $$
  -- Orders of several legs have the finest step at any price.
  select ref.price_increment(p_strategy.option_root, case p_strategy.structure when 'short_single' then p_px_e4 else 0 end)
$$;
comment on function trade.price_step(ref.strategies, integer) is
  'The increment of a strategy''s orders at a price, 1/10,000 dollar: that of its contracts, and of spreads the smallest that they have.';
grant execute on function trade.price_step(ref.strategies, integer) to job_runner;
