// The feeds that live streams write to: their names in ref.feeds and what their rows are.
import type { DataSource } from '../core/domain.ts';

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

/** Feeds of a simulated session of their own: two sessions of one day differ in their rows, and must never mix. */
export function simulatedFeeds(suffix: string): LiveFeeds {
  return liveFeeds(`sim-second-${suffix}`, `sim-quotes-${suffix}`, 'simulated');
}
