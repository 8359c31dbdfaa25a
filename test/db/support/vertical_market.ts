// SPX and the SPXW chain of some sessions for tests: quotes every five minutes at Black-Scholes prices, made by the database.

import type pg from 'pg';
import { createMarket, type Market, type MarketOptions } from './market.ts';

export interface ChainDay {
  /** A session, YYYY-MM-DD. */
  readonly date: string;
  /** Points of SPX at 09:30 and at 16:00; straight in between. */
  readonly from: number;
  readonly to: number;
}

export interface ChainOptions extends MarketOptions {
  readonly days: readonly ChainDay[];
  /** Expirations that are listed. */
  readonly expirations: readonly string[];
  /** One volatility for all; default 0.15. */
  readonly volatility?: number;
  /** Ask minus bid, dollars; default 0.20. */
  readonly width?: number;
  /** Minutes between two quotes; default 5. */
  readonly everyMin?: number;
}

const SPOTS = `
  select g.ts, d.spot_from + (d.spot_to - d.spot_from) * extract(epoch from g.ts - s.ts_open) / extract(epoch from s.ts_close - s.ts_open) as spot
  from jsonb_to_recordset($1) as d (date date, spot_from numeric, spot_to numeric)
  join ref.sessions s on s.session_date = d.date
  cross join lateral generate_series(s.ts_open, s.ts_close, make_interval(mins => $2)) as g (ts)`;

const TICKS = `
  insert into market.equity_ticks (
    instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4, vwap_e6, vwap_is_typical, volume_e6, ts_recv
  )
  select i.instrument_id, $3, p.ts, 0, 0, 0, x.e4, x.e4, x.e4, x.e4, x.e4 * 100::bigint, false, 0, p.ts
  from (${SPOTS}) p
  cross join lateral (select round(p.spot * 10000)::integer as e4) x
  join ref.instruments i on i.symbol = 'SPX'`;

const QUOTES = `
  with spots as materialized (
    select p.*, e.expiration, signal.years_to_expiry('SPXW', e.expiration, p.ts) as t_years
    from (${SPOTS}) p
    join unnest($6::date[]) e (expiration) on e.expiration >= p.ts::date
  )
  insert into market.option_quotes (instrument_id, feed_id, ts_event, seq, event_ns, bid_px_e4, ask_px_e4, bid_sz, ask_sz, ts_recv)
  select i.instrument_id, $3, p.ts, 0, 0, nullif(greatest(m.e4 - $5, 0), 0), m.e4 + $5, 50, 50, p.ts
  from spots p
  join ref.instruments i on i.kind = 'option' and i.root = 'SPXW' and i.expiration = p.expiration
  cross join lateral (
    select (round(signal.bs_price(
      i.option_kind, p.spot::double precision, i.strike_e4 / 10000.0::double precision, p.t_years, 0, 0, $4
    )::numeric, 2) * 10000)::integer as e4
    offset 0
  ) m`;

const STRIKES = Array.from({ length: 25 }, (_, n) => 5700 + n * 25);

/** Strikes from 5,700 to 6,300, 25 points apart, of every expiration. The client writes as the owner. */
export async function createChainMarket(client: pg.Client, options: ChainOptions): Promise<Market> {
  const { days, expirations, volatility = 0.15, width = 0.2, everyMin = 5 } = options;
  const market = await createMarket(client, { spanMs: 0, staleAfterMs: everyMin * 90_000, ...options });
  await client.query("select ref.instrument_ids('{SPX}', 'index')");
  await client.query(
    `select ref.instrument_ids(array_agg(ref.osi_symbol('SPXW', e, k, s * 10000)), 'option')
     from unnest($1::date[]) e cross join unnest($2::integer[]) s cross join unnest('{call,put}'::text[]) k`,
    [expirations, STRIKES],
  );
  const rows = JSON.stringify(days.map(({ date, from, to }) => ({ date, spot_from: from, spot_to: to })));
  await client.query(TICKS, [rows, everyMin, market.tickFeedId]);
  await client.query(QUOTES, [
    ...[rows, everyMin, market.quoteFeedId, volatility, Math.round(width * 5000), expirations],
  ]);
  return market;
}
