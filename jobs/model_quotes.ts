// Modelled option quotes for sessions that have none, a session at a time: docs/quote-model.md.
import type pg from 'pg';
import { inTransaction } from '../db/pool.ts';

export const MODELLED_FEED = 'modelled-60s';

const SPAN_MS = 60_000;
const STALE_AFTER_MS = 90_000;

export interface ModelRequest {
  readonly instrumentId: number;
  /** Of minute bars: the model knows no others. */
  readonly tickFeedId: number;
  readonly quoteFeed: string;
  /** Half-open range of event time, as text. */
  readonly from: string;
  readonly to: string;
}

/** Id of the feed of modelled quotes, made where it is new. For a connection that may write ref.feeds (ingest_writer). */
export async function modelledFeedId(client: pg.ClientBase, name: string): Promise<number> {
  const { rows } = await client.query<{ feed_id: number }>(
    "select ref.feed_id($1, 'option', $2, 'modelled', $3) as feed_id",
    [name, SPAN_MS, STALE_AFTER_MS],
  );
  return rows[0]?.feed_id ?? 0;
}

/** Sessions of the range that have fewer modelled minutes than bars, as dates. */
export async function sessionsToModel(client: pg.ClientBase, request: ModelRequest): Promise<string[]> {
  const { rows } = await client.query<{ session_date: string }>(
    `select s.session_date::text
     from ref.sessions s
     cross join lateral (
       select count(*) as minutes from market.equity_ticks t
       where t.instrument_id = $1 and t.feed_id = $2 and t.ts_event >= s.ts_open and t.ts_event < s.ts_close and t.span_ms = $3
     ) bars
     cross join lateral (
       -- Every contract has a quote at the same instants; any one tells how many there are.
       select count(*) as minutes from market.option_quotes q
       where q.feed_id = (select f.feed_id from ref.feeds f where f.name = $4)
         and q.ts_event > s.ts_open and q.ts_event <= s.ts_close
         and q.instrument_id = (
           select min(i.instrument_id) from ref.instruments i
           where i.kind = 'option' and i.underlying_id = $1 and i.expiration = s.session_date
             and exists (
               select from market.option_quotes x
               where x.instrument_id = i.instrument_id and x.feed_id = (select f.feed_id from ref.feeds f where f.name = $4)
                 and x.ts_event > s.ts_open and x.ts_event <= s.ts_close
             )
         )
     ) quotes
     where s.ts_open < $6 and s.ts_close > $5 and quotes.minutes < bars.minutes
     order by s.session_date`,
    [request.instrumentId, request.tickFeedId, SPAN_MS, request.quoteFeed, request.from, request.to],
  );
  return rows.map((row) => row.session_date);
}

/**
 * Models the quotes of one whole session and returns how many rows were new. Raises SB006 without the volatility index of the
 * session before, SB007 for an underlying without a known series.
 */
export async function modelSession(
  client: pg.ClientBase,
  request: ModelRequest & { readonly quoteFeedId: number; readonly sessionDate: string },
): Promise<number> {
  return inTransaction(client, async () => {
    const { rows } = await client.query<{ written: number }>(
      'select market.model_option_quotes($1::date, $1::date + 1, $2, $3, $4) as written',
      [request.sessionDate, request.instrumentId, request.tickFeedId, request.quoteFeedId],
    );
    return rows[0]?.written ?? 0;
  });
}
