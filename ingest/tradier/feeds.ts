// The feeds that Tradier's data goes to: one of index values, one of option quotes, one of chain snapshots.
import type { DataSource } from '../../core/domain.ts';
import { isLoopback } from '../../core/loopback.ts';
import type { StreamFeed } from '../stream_feed.ts';

export interface TradierFeeds {
  readonly indexes: StreamFeed;
  readonly quotes: StreamFeed;
  /** Of market.chain_snapshots; its kind is chain. */
  readonly chains: Omit<StreamFeed, 'kind'>;
}

// A leg that is held is quoted every minute.
const STALE_AFTER_MS = 90_000;

/** The feeds of an address. What a server on this machine sends is simulated, and says so in every output. */
export function tradierFeeds(baseUrl: string): TradierFeeds {
  const source: DataSource = isLoopback(baseUrl) ? 'simulated' : 'recorded';
  const prefix = source === 'simulated' ? 'sim-tradier' : 'tradier';
  const common = { span_ms: 0, source, stale_after_ms: STALE_AFTER_MS };
  return {
    indexes: { name: `${prefix}-indexes`, kind: 'equity', ...common },
    quotes: { name: `${prefix}-quotes`, kind: 'option', ...common },
    chains: { name: `${prefix}-chains`, ...common },
  };
}
