// The equity stream: per-second aggregates of the underlyings, or every print of theirs.
import { fillPrints, fillSeconds } from './fill.ts';
import { type MarketStream, type StreamOptions, startStream } from './market_stream.ts';
import { DEFAULT_SALE_RULES } from './massive/sale_conditions.ts';
import type { FillOf } from './stream_recovery.ts';

export interface EquityStream extends MarketStream {
  /** Close of the last second, or price of the last print, that was received, 1/10,000 dollar; null before the first. */
  lastPrice(symbol: string): number | null;
}

/** Name of this stream in ops.stream_marks. */
export const EQUITIES = 'equities';

/**
 * Starts the stream of `symbols`. The feed's span says of what: `A` events (a second) or `T` events (prints, span 0). Never of
 * both, since prints of the same seconds would add up twice.
 */
export async function startEquities(
  options: StreamOptions & { readonly symbols: readonly string[] },
): Promise<EquityStream> {
  const { symbols, feed, saleRules = DEFAULT_SALE_RULES } = options;
  const isPrints = feed.span_ms === 0;
  const prices = new Map<string, number>();
  const fillOf: FillOf = (parts) =>
    isPrints ? fillPrints(parts, symbols, saleRules) : fillSeconds(parts, symbols);
  const stream = await startStream(
    {
      ...options,
      stream: EQUITIES,
      market: 'stocks',
      fillOf,
      needsHistory: true,
      onTicks: (ticks) => {
        for (const tick of ticks) prices.set(tick.symbol, tick.close_e4);
      },
    },
    async (writer) => {
      // A run names its underlying before the first tick has come.
      await writer.register(symbols, 'equity');
      return symbols.map((symbol) => `${isPrints ? 'T' : 'A'}.${symbol}`);
    },
  );
  return { ...stream, lastPrice: (symbol) => prices.get(symbol) ?? null };
}
