-- The constants of docs/quote-model.md. They were stated before any P/L was seen: do not tune them on it.
create or replace function market.default_quote_model(p_underlying text) returns jsonb
language sql immutable parallel safe
as $$
  select jsonb_build_object(
    'version', 1,
    'volatility_symbol', 'VIX',
    'volatility_feed', 'cboe-daily',
    'term_ratio', 0.75,
    'index_ratio', case when p_underlying = 'QQQ' then 1.25 when p_underlying in ('SPY', 'SPX') then 1.00 end,
    'session_variance_share', 0.70,
    'skew', 0.06,
    'smile', 0.02,
    'rate', 0.04,
    'dividend_yield', 0,
    'half_spread_share', 0.005,
    'half_spread_max', 0.25,
    'size', 50,
    'strike_step_e4', 10000,
    'strike_margin', 2
  )
$$;
comment on function market.default_quote_model(text) is
  'Parameters of market.model_option_quotes for an underlying, as docs/quote-model.md derives them; index_ratio is null where none is '
  'stated and must then be given.';
grant execute on function market.default_quote_model(text) to job_runner, ingest_writer;
