// The quotes that the paper broker trades on: the last one of each contract, and news of the next.
import type { EasternUs } from '../../../core/eastern_time.ts';

/** Prices in 1/10,000 dollar; a side that nobody quotes is null. */
export interface PaperQuote {
  readonly ts: EasternUs;
  readonly bid_px_e4: number | null;
  readonly ask_px_e4: number | null;
  readonly bid_sz: number;
  readonly ask_sz: number;
}

export interface QuoteSource {
  /** The last quote of a contract; null before the first. */
  last(symbol: string): PaperQuote | null;
  /** Calls back with the symbol of every new quote. Returns how to stop. */
  onQuote(listener: (symbol: string) => void): () => void;
}

export interface QuoteBoard extends QuoteSource {
  put(symbol: string, quote: PaperQuote): void;
}

/** A board without quotes. */
export function createQuoteBoard(): QuoteBoard {
  const quotes = new Map<string, PaperQuote>();
  const listeners = new Set<(symbol: string) => void>();
  return {
    last: (symbol) => quotes.get(symbol) ?? null,
    onQuote: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    put: (symbol, quote) => {
      quotes.set(symbol, quote);
      for (const listener of [...listeners]) listener(symbol);
    },
  };
}
