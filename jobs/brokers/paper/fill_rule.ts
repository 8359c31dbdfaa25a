// When a paper order fills, and at what: the rule of trade.paper_fill, with as many legs as an order has.
import type { BrokerOrder, OrderLeg } from '../broker.ts';
import type { PaperQuote } from './quote_board.ts';

export interface LegFill {
  /** From 1. */
  readonly legNo: number;
  /** Contracts. */
  readonly qty: number;
  readonly px_e4: number;
}

/** What is left of the sizes that a quote shows, after those who traded on it before. */
export type Shown = (symbol: string, side: 'buy' | 'sell') => number;

export interface Market {
  readonly quote: (symbol: string) => PaperQuote | null;
  readonly shown: Shown;
  /** Quotes older than that are none; null is never. */
  readonly isStale: (quote: PaperQuote) => boolean;
}

interface Priced {
  readonly leg: OrderLeg;
  readonly px_e4: number;
  readonly shown: number;
}

/** True when the ask of a stop to buy (the bid of one to sell) has come to its price. */
export function isTriggered({ legs, stop_px_e4 }: BrokerOrder, market: Market): boolean {
  const [leg] = legs;
  if (leg === undefined || stop_px_e4 === null) return false;
  const priced = priceOf(leg, market);
  if (priced === null) return false;
  return leg.side === 'buy' ? priced.px_e4 >= stop_px_e4 : priced.px_e4 <= stop_px_e4;
}

/**
 * What `units` of an order trade for now: sold at the bid, bought at the ask, as many as are shown, all legs alike; nothing on a
 * quote that is missing, stale or crossed, or beyond the limit. `isMarket` looks at no limit.
 */
export function fillsNow(order: BrokerOrder, units: number, market: Market, isMarket: boolean): LegFill[] {
  const priced = order.legs.map((leg) => priceOf(leg, market));
  if (priced.some((each) => each === null)) return [];
  const legs = priced as Priced[];
  if (!isMarket && !isWithinLimit(order, legs)) return [];
  const qty = Math.min(units, ...legs.map(({ leg, shown }) => Math.floor(shown / leg.ratio)));
  if (qty <= 0) return [];
  return legs.map(({ leg, px_e4 }, index) => ({ legNo: index + 1, qty: qty * leg.ratio, px_e4 }));
}

function priceOf(leg: OrderLeg, { quote, shown, isStale }: Market): Priced | null {
  const seen = quote(leg.symbol);
  if (seen === null || isStale(seen)) return null;
  const { bid_px_e4, ask_px_e4 } = seen;
  const isCrossed = bid_px_e4 !== null && ask_px_e4 !== null && bid_px_e4 > ask_px_e4;
  const px_e4 = leg.side === 'sell' ? bid_px_e4 : ask_px_e4;
  if (isCrossed || px_e4 === null || px_e4 <= 0) return null;
  return { leg, px_e4, shown: shown(leg.symbol, leg.side) };
}

function isWithinLimit({ limit_px_e4, isCredit }: BrokerOrder, legs: readonly Priced[]): boolean {
  if (limit_px_e4 === null) return false;
  const credit_e4 = legs.reduce(
    (sum, { leg, px_e4 }) => sum + leg.ratio * (leg.side === 'sell' ? px_e4 : -px_e4),
    0,
  );
  return isCredit ? credit_e4 >= limit_px_e4 : -credit_e4 <= limit_px_e4;
}
