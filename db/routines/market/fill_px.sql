create or replace function market.fill_px(p_bid_e4 integer, p_ask_e4 integer, p_side text, p_ratio numeric) returns integer
language sql immutable strict parallel safe
as $$
  select round((p_bid_e4 + p_ask_e4) / 2.0 + case p_side when 'buy' then p_ratio else -p_ratio end * (p_ask_e4 - p_bid_e4))::integer
$$;
comment on function market.fill_px(integer, integer, text, numeric) is
  'What one side pays or gets in a quote, 1/10,000 dollar: its middle and p_ratio of its width against us; 0.5 is the bid or ask itself. Null without both sides.';
grant execute on function market.fill_px(integer, integer, text, numeric) to job_runner, backup;
