// The feeds that live streams write to: their names in ref.feeds and what their rows are.
import type pg from 'pg';
import type { DataSource } from '../core/domain.ts';
import { isLoopback } from '../core/loopback.ts';

/** A row of ref.feeds before its id is known. */
export interface StreamFeed {
  readonly name: string;
  readonly kind: 'equity' | 'option';
  readonly span_ms: number;
  readonly source: DataSource;
  readonly stale_after_ms: number;
}

export interface LiveFeeds {
  readonly ticks: StreamFeed;
  readonly quotes: StreamFeed;
}

/** A stream's quote that is older bars entries. */
const STALE_AFTER_MS = 2000;

function liveFeeds(ticks: string, quotes: string, source: DataSource): LiveFeeds {
  return {
    ticks: { name: ticks, kind: 'equity', span_ms: 1000, source, stale_after_ms: STALE_AFTER_MS },
    quotes: { name: quotes, kind: 'option', span_ms: 0, source, stale_after_ms: STALE_AFTER_MS },
  };
}

/** Massive's per-second aggregates of equities and its option quotes. */
export const MASSIVE_FEEDS: LiveFeeds = liveFeeds('massive-second', 'massive-quotes', 'recorded');

/**
 * The feeds of Massive's streams at an address, with ticks of seconds or of single prints. What a server on this machine sends is
 * simulated, and says so in every output.
 */
export function massiveFeeds(wsUrl: string, ticks: 'seconds' | 'prints'): LiveFeeds {
  const source = isLoopback(wsUrl) ? 'simulated' : 'recorded';
  const prefix = source === 'simulated' ? 'sim-massive' : 'massive';
  const of = liveFeeds(`${prefix}-${ticks === 'prints' ? 'prints' : 'second'}`, `${prefix}-quotes`, source);
  return ticks === 'prints' ? { ...of, ticks: { ...of.ticks, span_ms: 0 } } : of;
}

/** Feeds of a simulated session of their own: two sessions of one day differ in their rows, and must never mix. */
export function simulatedFeeds(suffix: string): LiveFeeds {
  return liveFeeds(`sim-second-${suffix}`, `sim-quotes-${suffix}`, 'simulated');
}

/** Id of a feed, made where it is new. Fails where the name belongs to a feed of another kind, span or source (SB007). */
export async function registerFeed(client: pg.ClientBase, feed: StreamFeed): Promise<number> {
  const { rows } = await client.query<{ feed_id: number }>(
    'select ref.feed_id($1, $2, $3, $4, $5) as feed_id',
    [feed.name, feed.kind, feed.span_ms, feed.source, feed.stale_after_ms],
  );
  return rows[0]?.feed_id as number;
}

/** Makes the feeds and the underlying known, so that a run of them can be opened before the first row has come. */
export async function registerFeeds(
  client: pg.ClientBase,
  feeds: LiveFeeds,
  underlying: string,
  kind: 'equity' | 'index' = 'equity',
): Promise<void> {
  await registerFeed(client, feeds.ticks);
  await registerFeed(client, feeds.quotes);
  await client.query('select ref.instrument_ids(array[$1], $2)', [underlying, kind]);
}
