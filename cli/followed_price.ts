// The last price of a symbol as another process stores it, followed by looking once a second.
import type { Clock } from '../core/clock.ts';
import { addMs, formatEastern } from '../core/eastern_time.ts';
import { lastingConnection } from '../db/lasting_connection.ts';

export interface FollowedPrice {
  /** 1/10,000 dollar; null before the first. */
  readonly last: () => number | null;
  /** Resolves when the signal is aborted. */
  readonly done: Promise<void>;
}

export interface FollowOptions {
  readonly url: string;
  readonly symbol: string;
  /** Name of the feed of its ticks. */
  readonly feed: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const LOOK_MS = 1000;
// Older ticks say nothing about where the money is now; a price once seen stays, whatever happens to its stream.
const LOOK_BACK_MS = 15 * 60_000;

const PRICE_SQL = `
  select t.close_e4
  from market.equity_ticks t
  where t.instrument_id = (select i.instrument_id from ref.instruments i where i.symbol = $1)
    and t.feed_id = (select f.feed_id from ref.feeds f where f.name = $2)
    and t.ts_event >= $3
  order by t.ts_event desc, t.seq desc
  limit 1`;

/** Begins to follow. While the database is away the last price stands. */
export function followPrice(options: FollowOptions): FollowedPrice {
  let price: number | null = null;
  return {
    last: () => price,
    done: follow(options, (seen) => {
      price = seen;
    }),
  };
}

async function follow(options: FollowOptions, onPrice: (price_e4: number) => void): Promise<void> {
  const { url, symbol, feed, clock, signal } = options;
  while (!signal.aborted) {
    try {
      const connection = await lastingConnection({
        url,
        role: 'ingest_writer',
        name: 'ingest-price',
        signal,
      });
      try {
        while (!signal.aborted) {
          const values = [symbol, feed, formatEastern(addMs(clock.now(), -LOOK_BACK_MS))];
          const { rows } = await connection.run((client) =>
            client.query<{ close_e4: number }>(PRICE_SQL, values),
          );
          if (rows[0] !== undefined) onPrice(rows[0].close_e4);
          await clock.sleep(LOOK_MS, signal);
        }
      } finally {
        await connection.end();
      }
    } catch {
      // The stream itself tells that the database is away; here it is only waited for.
      await clock.sleep(LOOK_MS, signal);
    }
  }
}
