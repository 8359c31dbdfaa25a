-- Minute quotes of 0DTE contracts from recorded minute bars, where none were recorded: docs/quote-model.md.
create or replace function market.model_option_quotes(
  p_from timestamp,
  p_to timestamp,
  p_underlying_id integer,
  p_tick_feed_id integer,
  p_quote_feed_id integer,
  p_model jsonb default '{}'
) returns bigint
language plpgsql volatile parallel unsafe
as $$
declare
  v_underlying text := (select i.symbol from ref.instruments i where i.instrument_id = p_underlying_id);
  v_model jsonb := market.quote_model(v_underlying, p_model);
  -- Constants as variables: a jsonb look-up for every row would cost more than the price.
  v_rate double precision := v_model ->> 'rate';
  v_yield double precision := v_model ->> 'dividend_yield';
  v_skew double precision := v_model ->> 'skew';
  v_smile double precision := v_model ->> 'smile';
  v_spread_share double precision := v_model ->> 'half_spread_share';
  v_spread_max_e4 double precision := (v_model ->> 'half_spread_max')::double precision * 10000;
  v_size integer := v_model ->> 'size';
  v_step_e4 integer := v_model ->> 'strike_step_e4';
  v_margin integer := v_model ->> 'strike_margin';
  v_root ref.option_roots;
  v_session ref.sessions;
  v_low_e4 integer;
  v_high_e4 integer;
  v_sigma_atm double precision;
  v_strikes_e4 integer[];
  v_count bigint;
  v_written bigint := 0;
begin
  if not exists (
    select from ref.feeds f where f.feed_id = p_quote_feed_id and f.kind = 'option' and f.source = 'modelled'
  ) then
    raise exception 'feed % is no option feed whose source is modelled', p_quote_feed_id
      using errcode = 'SB007', hint = 'Modelled quotes never mix with recorded ones: give them a feed of their own.';
  end if;
  select r.* into v_root from ref.option_roots r where r.underlying = v_underlying and r.settlement = 'pm';
  if not found then
    raise exception 'no P.M.-settled series of % in ref.option_roots', coalesce(v_underlying, 'instrument ' || p_underlying_id)
      using errcode = 'SB007', hint = 'Quotes can be modelled for the underlyings that ref.option_roots names.';
  end if;

  for v_session in
    select s.* from ref.sessions s where s.ts_open < p_to and s.ts_close > p_from order by s.session_date
  loop
    -- The whole session's range, wherever the call begins and ends: it decides which contracts exist, not what they cost.
    select min(t.low_e4), max(t.high_e4)
    into v_low_e4, v_high_e4
    from market.equity_ticks t
    where t.instrument_id = p_underlying_id
      and t.feed_id = p_tick_feed_id
      and t.ts_event >= v_session.ts_open
      and t.ts_event < v_session.ts_close
      and t.span_ms = 60000;
    continue when v_low_e4 is null;

    v_sigma_atm := market.model_atm_volatility(v_session.session_date, v_model);
    v_strikes_e4 := array(
      select generate_series(
        greatest(v_low_e4 / v_step_e4 - v_margin, 1) * v_step_e4,
        ((v_high_e4 + v_step_e4 - 1) / v_step_e4 + v_margin) * v_step_e4,
        v_step_e4
      )
    );
    perform market.ensure_option_chain(v_root.root, v_session.session_date, v_strikes_e4);

    with minutes as (
      select
        t.ts_event + interval '1 minute' as ts,
        t.close_e4::double precision as spot_e4,
        extract(epoch from v_session.ts_close - t.ts_event - interval '1 minute')::double precision / (525600 * 60)
          as t_years
      from market.equity_ticks t
      where t.instrument_id = p_underlying_id
        and t.feed_id = p_tick_feed_id
        and t.ts_event >= greatest(v_session.ts_open, p_from)
        and t.ts_event < least(v_session.ts_close, p_to)
        and t.span_ms = 60000
    ),
    -- Materialized, or the planner writes each price out again wherever it is used below.
    prices as materialized (
      select
        i.instrument_id,
        m.ts,
        signal.bs_price(
          i.option_kind, m.spot_e4, i.strike_e4, m.t_years, v_rate, v_yield,
          market.model_volatility(m.spot_e4, i.strike_e4, m.t_years, v_sigma_atm, v_skew, v_smile)
        ) as price_e4
      from minutes as m
      cross join ref.instruments as i
      where i.kind = 'option'
        and i.underlying_id = p_underlying_id
        and i.root = v_root.root
        and i.expiration = v_session.session_date
        and i.strike_e4 = any (v_strikes_e4)
    ),
    ticks as materialized (
      select
        instrument_id,
        ts,
        price_e4,
        case when price_e4 < v_root.tick_threshold_e4 then v_root.tick_below_e4 else v_root.tick_above_e4 end as tick_e4
      from prices
    ),
    spreads as materialized (
      select
        instrument_id,
        ts,
        price_e4,
        tick_e4,
        least(greatest(tick_e4 * 0.5::double precision, v_spread_share * price_e4), v_spread_max_e4) as half_e4
      from ticks
    ),
    -- The millionth of a tick keeps a price that is a whole tick but for its last binary digit where it is.
    quotes as materialized (
      select
        instrument_id,
        ts,
        greatest(floor((price_e4 - half_e4) / tick_e4 + 1e-6::double precision), 0)::integer * tick_e4 as bid_e4,
        greatest(ceil((price_e4 + half_e4) / tick_e4 - 1e-6::double precision), 1)::integer * tick_e4 as ask_e4
      from spreads
    )
    insert into market.option_quotes (
      instrument_id, feed_id, ts_event, seq, event_ns, bid_px_e4, ask_px_e4, bid_sz, ask_sz, ts_recv
    )
    select
      instrument_id, p_quote_feed_id, ts, 0, 0, nullif(bid_e4, 0), ask_e4,
      case when bid_e4 > 0 then v_size end, v_size, ts
    from quotes
    order by instrument_id, ts
    on conflict do nothing;
    get diagnostics v_count = row_count;
    v_written := v_written + v_count;
  end loop;
  return v_written;
end
$$;
comment on function market.model_option_quotes(timestamp, timestamp, integer, integer, integer, jsonb) is
  'Writes modelled quotes at the end of every session minute whose bar starts in [p_from, p_to), for the 0DTE contracts around that '
  'session''s prices, and returns how many rows were new; existing rows stay as they are. Makes missing contracts. p_model overrides '
  'constants of market.default_quote_model(). Raises SB006 without the volatility index of the session before, SB007 on an '
  'underlying without a series or a feed that is not for modelled option quotes, SB008 on a model constant that is unknown or missing. Source: docs/quote-model.md.';
grant execute on function market.model_option_quotes(timestamp, timestamp, integer, integer, integer, jsonb)
  to job_runner, ingest_writer;
