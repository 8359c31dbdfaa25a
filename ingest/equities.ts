// The equity stream: per-second aggregates of the underlyings.
import { type MarketStream, type StreamOptions, startStream } from './market_stream.ts';

export interface EquityStream extends MarketStream {
  /** Close of the last second received, 1/10,000 dollar; null before the first. */
  lastPrice(symbol: string): number | null;
}

/** Name of this stream in ops.stream_marks. */
export const EQUITIES = 'equities';

/** Starts the stream of `symbols`. Only `A` events: prints of the same seconds would add up twice. */
export async function startEquities(
  options: StreamOptions & { readonly symbols: readonly string[] },
): Promise<EquityStream> {
  const { symbols } = options;
  const prices = new Map<string, number>();
  const stream = await startStream(
    {
      ...options,
      stream: EQUITIES,
      market: 'stocks',
      onTicks: (ticks) => {
        for (const tick of ticks) prices.set(tick.symbol, tick.close_e4);
      },
    },
    async (writer) => {
      // A run names its underlying before the first tick has come.
      await writer.register(symbols, 'equity');
      return symbols.map((symbol) => `A.${symbol}`);
    },
  );
  return { ...stream, lastPrice: (symbol) => prices.get(symbol) ?? null };
}
