// The books of a paper account: what they hold, what they tell, and what they refuse.
import type { EasternUs } from '../../../core/eastern_time.ts';
import { parseOsi } from '../../../core/osi_symbol.ts';
import type {
  BrokerAccount,
  BrokerFill,
  BrokerOrder,
  BrokerPosition,
  OrderReport,
  VenueState,
} from '../broker.ts';
import type { PaperQuote, QuoteSource } from './quote_board.ts';

export interface PaperOrder {
  readonly id: string;
  readonly order: BrokerOrder;
  readonly clientId: string | null;
  readonly enteredAt: EasternUs;
  state: VenueState;
  /** False while it is on its way. */
  isThere: boolean;
  /** A stop that was reached is a market order. */
  isMarket: boolean;
  detail: string | null;
  filledQty: number;
  readonly fills: BrokerFill[];
}

export interface Held {
  qty: number;
  /** What was paid or got for what is held, 1/10,000 dollar per share. */
  notional_e4: number;
}

export interface Books {
  readonly orders: Map<string, PaperOrder>;
  readonly positions: Map<string, Held>;
  /** Contracts that traded on the quote of now, by symbol and side. */
  readonly taken: Map<string, { readonly quote: PaperQuote; qty: number }>;
  readonly listeners: Set<() => void>;
  readonly halted: Set<string>;
  isClosingOnly: boolean;
  cash: number;
  executions: number;
}

/** Shares of a contract. */
export const MULTIPLIER = 100;
// Of the strike: what a short option holds of the buying power, as in jobs/readiness.ts.
const MARGIN_RATIO = 0.2;

/** Why an order is not taken, its own claim and that of the one it replaces left out of what is on order. */
export function refusalOf(
  order: BrokerOrder,
  without: readonly (PaperOrder | null)[],
  books: Books,
): string | null {
  for (const { symbol, side, effect, ratio } of order.legs) {
    if (books.halted.has(symbol)) return `trading in ${symbol} is halted`;
    if (effect === 'open' && books.isClosingOnly) return 'the account is restricted to closing orders';
    if (effect !== 'close') continue;
    const held = books.positions.get(symbol)?.qty ?? 0;
    const open = side === 'buy' ? -held : held;
    const onOrder = [...books.orders.values()]
      .filter((each) => each.state === 'working' && !without.includes(each))
      .flatMap((each) => each.order.legs.map((leg) => ({ leg, left: each.order.qty - each.filledQty })))
      .filter(({ leg }) => leg.symbol === symbol && leg.effect === 'close' && leg.side === side)
      .reduce((sum, { leg, left }) => sum + left * leg.ratio, 0);
    if (order.qty * ratio > open - onOrder)
      return `${order.qty * ratio} ${symbol} are to be closed, ${open - onOrder} are open and not on order`;
  }
  return null;
}

/** Contracts come (negative: go) at a price. */
export function move(symbol: string, qty: number, px_e4: number, { positions }: Books): void {
  const held = positions.get(symbol) ?? { qty: 0, notional_e4: 0 };
  const isGrowing = Math.sign(held.qty) === Math.sign(qty) || held.qty === 0;
  // What is closed leaves at the average price of what is held.
  const price = isGrowing ? px_e4 : held.notional_e4 / held.qty;
  held.notional_e4 += qty * price;
  held.qty += qty;
  if (held.qty === 0) positions.delete(symbol);
  else positions.set(symbol, held);
}

/** As a broker reports it; null for none. */
export function reportOf(order: PaperOrder | undefined): OrderReport | null {
  if (order === undefined) return null;
  const { id, state, filledQty, enteredAt, clientId, detail, fills } = order;
  return {
    ...{ venueOrderId: id, state, order: order.order, filledQty, enteredAt, clientId },
    ...{ detail, fills: [...fills] },
  };
}

function markOf(symbol: string, quotes: QuoteSource): number | null {
  const quote = quotes.last(symbol);
  if (quote === null) return null;
  const { bid_px_e4, ask_px_e4 } = quote;
  if (bid_px_e4 === null || ask_px_e4 === null) return bid_px_e4 ?? ask_px_e4;
  return (bid_px_e4 + ask_px_e4) / 2;
}

function multiplierOf(symbol: string): number {
  return parseOsi(symbol) === null ? 1 : MULTIPLIER;
}

/** What is held, at the middle of the last quotes. */
export function positionsOf({ positions }: Books, quotes: QuoteSource): BrokerPosition[] {
  return [...positions].map(([symbol, { qty, notional_e4 }]) => {
    const mark = markOf(symbol, quotes);
    return {
      ...{ symbol, qty, avg_px_e4: Math.round(notional_e4 / qty) },
      market_value: mark === null ? null : (qty * mark * multiplierOf(symbol)) / 10_000,
    };
  });
}

/** The money, and what of it may be spent. */
export function accountOf(books: Books, quotes: QuoteSource): BrokerAccount {
  const value = positionsOf(books, quotes).reduce((sum, { market_value }) => sum + (market_value ?? 0), 0);
  const equity = books.cash + value;
  const margin = [...books.positions].reduce((sum, [symbol, { qty }]) => {
    // Shares that were sold short hold nothing here: they are the owner's to settle.
    const strike_e4 = parseOsi(symbol)?.strike_e4 ?? 0;
    return sum + (Math.max(0, -qty) * MULTIPLIER * MARGIN_RATIO * strike_e4) / 10_000;
  }, 0);
  return { buyingPower: Math.max(0, equity - margin), equity, isClosingOnly: books.isClosingOnly };
}
