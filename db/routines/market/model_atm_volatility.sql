-- The volatility of docs/quote-model.md: a session's level from the volatility index of the session before.
create or replace function market.model_atm_volatility(p_session_date date, p_model jsonb) returns double precision
language plpgsql stable parallel safe
as $$
declare
  v_index_e4 integer;
begin
  -- An index print on a day without a session is passed over.
  select b.close_e4
  into v_index_e4
  from market.daily_bars b
  join ref.instruments i on i.instrument_id = b.instrument_id
  join ref.feeds f on f.feed_id = b.feed_id
  where i.symbol = p_model ->> 'volatility_symbol'
    and f.name = p_model ->> 'volatility_feed'
    and b.bar_date = (select max(s.session_date) from ref.sessions s where s.session_date < p_session_date);
  if not found then
    raise exception 'no % close of the session before % in feed %',
      p_model ->> 'volatility_symbol', p_session_date, p_model ->> 'volatility_feed'
      using errcode = 'SB006', hint = 'Import the daily volatility index first: strikebase import FILE --format vix.';
  end if;
  -- Index points to a fraction; 525,600 calendar minutes against 252 sessions of 390 minutes: see the document, point 3.
  return v_index_e4 / 1e6::double precision
    * (p_model ->> 'term_ratio')::double precision
    * (p_model ->> 'index_ratio')::double precision
    * sqrt((p_model ->> 'session_variance_share')::double precision * 525600 / (252 * 390));
end
$$;
comment on function market.model_atm_volatility(date, jsonb) is
  'At-the-money volatility of a session''s 0DTE options, per year of calendar minutes, known before its open. p_model is that of '
  'market.quote_model(). Raises SB006 where the volatility index has no close on the session before. Source: docs/quote-model.md.';
grant execute on function market.model_atm_volatility(date, jsonb) to job_runner, ingest_writer;
