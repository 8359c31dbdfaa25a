// The feeds that a download writes to. They are its own: live streams know milliseconds only and flat files no vwap, so rows of
// the same event would stand beside each other with different keys or values.
import type { DataSource } from '../../core/domain.ts';
import { isLoopback } from '../../core/loopback.ts';
import type { StreamFeed } from '../stream_feed.ts';

/** Length of the underlying's bars. */
export type BarSpan = 'minute' | 'second';

/** What is downloaded of an option contract. */
export type TickKind = 'quotes' | 'trades';

/** Every kind of progress in ops.downloads. */
export type HistoryKind = BarSpan | 'contracts' | TickKind;

export const SPAN_MS: Readonly<Record<BarSpan, number>> = { minute: 60_000, second: 1000 };

/** How long a quote stands before it bars entries, as for a stream. */
const STALE_AFTER_MS = 2000;

export interface HistoryFeeds {
  /** Beginning of the feeds' names: `massive-rest`. */
  readonly prefix: string;
  readonly bars: Readonly<Record<BarSpan, StreamFeed>>;
  /** Quotes and trades of option contracts. */
  readonly options: StreamFeed;
}

/** The feeds of a vendor's address. What a server on this machine gives is simulated, and says so in every output. */
export function historyFeeds(restUrl: string, name?: string): HistoryFeeds {
  const isSimulated = isLoopback(restUrl);
  const source: DataSource = isSimulated ? 'simulated' : 'recorded';
  const prefix = name ?? (isSimulated ? 'sim-rest' : 'massive-rest');
  const bars = (span: BarSpan): StreamFeed => ({
    name: `${prefix}-${span}`,
    kind: 'equity',
    span_ms: SPAN_MS[span],
    source,
    stale_after_ms: Math.max(STALE_AFTER_MS, SPAN_MS[span] * 1.5),
  });
  const options = { kind: 'option', span_ms: 0, source, stale_after_ms: STALE_AFTER_MS } as const;
  return {
    prefix,
    bars: { minute: bars('minute'), second: bars('second') },
    options: { name: `${prefix}-options`, ...options },
  };
}
