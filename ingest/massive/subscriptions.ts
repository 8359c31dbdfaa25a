// What a feed wants to receive and what the vendor has acknowledged: Massive answers unknown channels with silence only.

/** Option quotes that one connection may subscribe to (reference A1.6). */
export const MAX_OPTION_QUOTES = 1000;

export interface Subscriptions {
  /** All wanted pairs (`A.QQQ`, `Q.O:QQQ251219C00410000`), in the order they were asked for. */
  wanted(): readonly string[];
  /** True for a ticker (`QQQ`, `O:QQQ251219C00410000`) of any pair that was wanted at any time. */
  everWanted(ticker: string): boolean;
  /** Wants these too; returns those that were not wanted before. */
  add(pairs: readonly string[]): readonly string[];
  /** Wants these no longer; returns those that were. */
  remove(pairs: readonly string[]): readonly string[];
  /** Takes a `success` status' message. */
  acknowledge(message: string): void;
  /** A new connection has acknowledged nothing. */
  reset(): void;
  /** Those of the pairs that are wanted but not acknowledged. */
  unacknowledged(pairs: readonly string[]): readonly string[];
  /** Resolves when none of the pairs is unacknowledged, or when the signal is aborted. */
  settled(pairs: readonly string[], signal: AbortSignal): Promise<void>;
}

const SUBSCRIBED = /^subscribed to: *(.+)$/;

function tickerOf(pair: string): string {
  return pair.slice(pair.indexOf('.') + 1);
}

/** The subscriptions of one feed; they outlive its connections. */
export function createSubscriptions(initial: readonly string[]): Subscriptions {
  const wanted = new Set(initial);
  const tickers = new Set(initial.map(tickerOf));
  const acknowledged = new Set<string>();
  const waiting = new Set<() => void>();
  const unacknowledged = (pairs: readonly string[]): readonly string[] =>
    pairs.filter((pair) => wanted.has(pair) && !acknowledged.has(pair));
  const recheck = (): void => {
    for (const check of waiting) check();
  };
  return {
    wanted: () => [...wanted],
    everWanted: (ticker) => tickers.has(ticker) || tickers.has('*'),
    add: (pairs) => {
      const added = [...new Set(pairs)].filter((pair) => !wanted.has(pair));
      for (const pair of added) {
        wanted.add(pair);
        tickers.add(tickerOf(pair));
      }
      return added;
    },
    remove: (pairs) => {
      const removed = pairs.filter((pair) => wanted.delete(pair));
      for (const pair of removed) acknowledged.delete(pair);
      recheck();
      return removed;
    },
    // Usually one pair a message; some servers list several.
    acknowledge: (message) => {
      for (const pair of SUBSCRIBED.exec(message)?.[1]?.split(',') ?? []) acknowledged.add(pair.trim());
      recheck();
    },
    reset: () => acknowledged.clear(),
    unacknowledged,
    settled: (pairs, signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          waiting.delete(check);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const check = (): void => {
          if (unacknowledged(pairs).length === 0) end();
        };
        waiting.add(check);
        signal.addEventListener('abort', end);
        if (signal.aborted) end();
        else check();
      }),
  };
}
