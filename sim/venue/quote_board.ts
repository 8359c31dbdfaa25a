// The market that the simulated Schwab trades against: the last quote of each symbol, as the caller feeds it.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { OrderLeg } from './order.ts';

export interface BoardQuote {
  readonly symbol: string;
  /** 1/10,000 dollar; 0 is no bid, no ask. */
  readonly bid_e4: number;
  readonly ask_e4: number;
  /** Displayed: contracts or shares. */
  readonly bidSz: number;
  readonly askSz: number;
  readonly at: EasternUs;
  /** Further fields of LEVELONE_OPTIONS by number (reference B4.4), e.g. 28: delta; 33: 'Halted' stops trading. */
  readonly fields: Readonly<Record<number, number | string>>;
}

const SECURITY_STATUS = 33;

interface Entry {
  quote: BoardQuote;
  /** What is left of the displayed sizes. */
  bidLeft: number;
  askLeft: number;
}

export interface QuoteBoard {
  set(quote: BoardQuote): void;
  get(symbol: string): BoardQuote | null;
  symbols(): readonly string[];
  /** The price at which a leg trades now: a buy at the ask, a sale at the bid. Null without one, and while it is halted. */
  priceOf(leg: OrderLeg): number | null;
  /** Units of contracts or shares that the quote still displays for a leg. */
  sizeLeft(leg: OrderLeg): number;
  take(leg: OrderLeg, qty: number): void;
  /** Middle of the quote, or the one side that it has; null without either. */
  markOf(symbol: string): number | null;
}

export function createQuoteBoard(): QuoteBoard {
  const entries = new Map<string, Entry>();
  const quoteOf = (symbol: string): BoardQuote | null => entries.get(symbol)?.quote ?? null;
  return {
    set: (quote) =>
      entries.set(quote.symbol, { quote, bidLeft: quote.bidSz, askLeft: quote.askSz }) && undefined,
    get: quoteOf,
    symbols: () => [...entries.keys()],
    priceOf: (leg) => {
      const quote = quoteOf(leg.symbol);
      if (quote?.fields[SECURITY_STATUS] === 'Halted') return null;
      const px_e4 = leg.side === 'buy' ? quote?.ask_e4 : quote?.bid_e4;
      return px_e4 === undefined || px_e4 <= 0 ? null : px_e4;
    },
    sizeLeft: (leg) => {
      const entry = entries.get(leg.symbol);
      return (leg.side === 'buy' ? entry?.askLeft : entry?.bidLeft) ?? 0;
    },
    take: (leg, qty) => {
      const entry = entries.get(leg.symbol);
      if (entry === undefined) return;
      if (leg.side === 'buy') entry.askLeft = Math.max(0, entry.askLeft - qty);
      else entry.bidLeft = Math.max(0, entry.bidLeft - qty);
    },
    markOf: (symbol) => {
      const quote = quoteOf(symbol);
      if (quote === null) return null;
      const { bid_e4, ask_e4 } = quote;
      if (bid_e4 > 0 && ask_e4 > 0) return Math.round((bid_e4 + ask_e4) / 2);
      return bid_e4 > 0 ? bid_e4 : ask_e4 > 0 ? ask_e4 : null;
    },
  };
}
