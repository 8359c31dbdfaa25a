// The books of a paper account: orders, executions, positions, cash. Like a broker's they refuse to close more than is open.
import type { Clock } from '../../../core/clock.ts';
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
import { fillsNow, isTriggered, type LegFill, type Market } from './fill_rule.ts';
import type { PaperQuote, QuoteSource } from './quote_board.ts';

export interface PaperLedgerOptions {
  readonly clock: Clock;
  readonly quotes: QuoteSource;
  /** Dollars at the beginning; default 1,000,000. */
  readonly cash?: number;
  /** Quotes older than that fill nothing; default 90,000. */
  readonly staleAfterMs?: number;
  /** Of a contract, in dollars; default 0.65. */
  readonly commission?: number;
}

export interface PaperLedger {
  /** Takes an order, or says why not. `clientId` is null for one by hand. */
  place(order: BrokerOrder, clientId: string | null): { readonly id: string } | { readonly refusal: string };
  /** False where it does not work any more. */
  cancel(id: string): boolean;
  /** As cancel and place, at once; the refusal leaves the old order at work. */
  replace(id: string, order: BrokerOrder): { readonly id: string } | { readonly refusal: string };
  /** Executes units of a working order now, at its limit or the market's price: for tests. */
  fill(id: string, units: number): void;
  report(id: string): OrderReport | null;
  reports(): readonly OrderReport[];
  positions(): readonly BrokerPosition[];
  account(): BrokerAccount;
  hasClientId(clientId: string): boolean;
  /** Calls back when an order or a position has changed. Returns how to stop. */
  onChange(listener: () => void): () => void;
  close(): void;
}

interface PaperOrder {
  readonly id: string;
  readonly order: BrokerOrder;
  readonly clientId: string | null;
  readonly enteredAt: EasternUs;
  state: VenueState;
  /** A stop that was reached is a market order. */
  isMarket: boolean;
  filledQty: number;
  readonly fills: BrokerFill[];
}

interface Held {
  qty: number;
  /** What was paid or got for what is held, 1/10,000 dollar per share. */
  notional_e4: number;
}

interface Books {
  readonly orders: Map<string, PaperOrder>;
  readonly positions: Map<string, Held>;
  /** Contracts that traded on the quote of now, by symbol and side. */
  readonly taken: Map<string, { readonly quote: PaperQuote; qty: number }>;
  readonly listeners: Set<() => void>;
  cash: number;
  executions: number;
}

type Parts = Required<PaperLedgerOptions> & { readonly books: Books };

const MULTIPLIER = 100;
// Of the strike: what a short option holds of the buying power, as in jobs/readiness.ts.
const MARGIN_RATIO = 0.2;

/** Books without an entry; working orders fill as quotes come. */
export function createPaperLedger(options: PaperLedgerOptions): PaperLedger {
  const { cash = 1_000_000, staleAfterMs = 90_000, commission = 0.65 } = options;
  const books: Books = {
    ...{ orders: new Map(), positions: new Map(), taken: new Map(), listeners: new Set() },
    ...{ cash, executions: 0 },
  };
  const parts: Parts = { ...options, cash, staleAfterMs, commission, books };
  const { orders, listeners } = books;
  const stop = options.quotes.onQuote((symbol) => {
    for (const order of orders.values())
      if (order.order.legs.some((leg) => leg.symbol === symbol)) trade(order, parts);
  });
  const place: PaperLedger['place'] = (order, clientId) => {
    const refusal = refusalOf(order, parts);
    if (refusal !== null) return { refusal };
    const placed = enter(order, clientId, parts);
    trade(placed, parts);
    tell(books);
    return { id: placed.id };
  };
  return {
    place,
    cancel: (id) => end(id, 'canceled', books),
    replace: (id, order) => {
      const old = orders.get(id);
      if (old?.state !== 'working') return { refusal: `order ${id} does not work` };
      old.state = 'replaced';
      const placed = place(order, old.clientId);
      if ('refusal' in placed) old.state = 'working';
      return placed;
    },
    fill: (id, units) => {
      const order = orders.get(id);
      if (order?.state === 'working') book(order, fillsAnyway(order, units, parts), parts);
    },
    report: (id) => reportOf(orders.get(id)),
    reports: () => [...orders.values()].flatMap((order) => reportOf(order) ?? []),
    positions: () => positionsOf(parts),
    account: () => accountOf(parts),
    hasClientId: (clientId) => [...orders.values()].some((order) => order.clientId === clientId),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      stop();
      listeners.clear();
    },
  };
}

function enter(order: BrokerOrder, clientId: string | null, { clock, books }: Parts): PaperOrder {
  const placed: PaperOrder = {
    ...{ id: String(books.orders.size + 1), order, clientId, enteredAt: clock.now(), state: 'working' },
    ...{ isMarket: order.type === 'market', filledQty: 0, fills: [] },
  };
  books.orders.set(placed.id, placed);
  return placed;
}

function refusalOf(order: BrokerOrder, { books }: Parts): string | null {
  for (const { symbol, side, effect, ratio } of order.legs) {
    if (effect !== 'close') continue;
    const held = books.positions.get(symbol)?.qty ?? 0;
    const open = side === 'buy' ? -held : held;
    const onOrder = [...books.orders.values()]
      .filter(({ state }) => state === 'working')
      .flatMap((each) => each.order.legs.map((leg) => ({ leg, left: each.order.qty - each.filledQty })))
      .filter(({ leg }) => leg.symbol === symbol && leg.effect === 'close' && leg.side === side)
      .reduce((sum, { leg, left }) => sum + left * leg.ratio, 0);
    if (order.qty * ratio > open - onOrder)
      return `${order.qty * ratio} ${symbol} are to be closed, ${open - onOrder} are open and not on order`;
  }
  return null;
}

function end(id: string, state: 'canceled', books: Books): boolean {
  const order = books.orders.get(id);
  if (order?.state !== 'working') return false;
  order.state = state;
  tell(books);
  return true;
}

function marketOf({ quotes, clock, staleAfterMs, books }: Parts): Market {
  return {
    quote: quotes.last,
    isStale: ({ ts }) => clock.now() - ts > staleAfterMs * 1000,
    shown: (symbol, side) => {
      const quote = quotes.last(symbol);
      if (quote === null) return 0;
      const taken = books.taken.get(`${side} ${symbol}`);
      const used = taken?.quote === quote ? taken.qty : 0;
      return (side === 'sell' ? quote.bid_sz : quote.ask_sz) - used;
    },
  };
}

function trade(order: PaperOrder, parts: Parts): void {
  if (order.state !== 'working') return;
  const market = marketOf(parts);
  if (order.order.type === 'stop' && !order.isMarket) {
    if (!isTriggered(order.order, market)) return;
    order.isMarket = true;
  }
  const left = order.order.qty - order.filledQty;
  book(order, fillsNow(order.order, left, market, order.isMarket), parts);
}

/** At the limit, or at whatever is quoted: a test says that it trades. */
function fillsAnyway({ order, filledQty }: PaperOrder, units: number, { quotes }: Parts): LegFill[] {
  const qty = Math.min(units, order.qty - filledQty);
  return order.legs.map((leg, index) => {
    const quote = quotes.last(leg.symbol);
    const quoted = leg.side === 'sell' ? quote?.bid_px_e4 : quote?.ask_px_e4;
    const px_e4 = (order.legs.length === 1 ? order.limit_px_e4 : null) ?? quoted ?? 1;
    return { legNo: index + 1, qty: qty * leg.ratio, px_e4 };
  });
}

function book(order: PaperOrder, fills: readonly LegFill[], parts: Parts): void {
  const [first] = fills;
  if (first === undefined) return;
  const { books, clock, quotes, commission } = parts;
  for (const { legNo, qty, px_e4 } of fills) {
    const leg = order.order.legs[legNo - 1];
    if (leg === undefined) continue;
    books.executions += 1;
    order.fills.push({ executionId: `paper-${books.executions}`, ts: clock.now(), legNo, qty, px_e4 });
    const quote = quotes.last(leg.symbol);
    const key = `${leg.side} ${leg.symbol}`;
    const taken = books.taken.get(key);
    if (quote !== null) books.taken.set(key, { quote, qty: (taken?.quote === quote ? taken.qty : 0) + qty });
    move(leg.symbol, leg.side === 'buy' ? qty : -qty, px_e4, books);
    books.cash += ((leg.side === 'sell' ? 1 : -1) * qty * px_e4 * MULTIPLIER) / 10_000 - qty * commission;
  }
  order.filledQty += first.qty / (order.order.legs[0]?.ratio ?? 1);
  if (order.filledQty >= order.order.qty) order.state = 'filled';
  tell(books);
}

function move(symbol: string, qty: number, px_e4: number, { positions }: Books): void {
  const held = positions.get(symbol) ?? { qty: 0, notional_e4: 0 };
  const isGrowing = Math.sign(held.qty) === Math.sign(qty) || held.qty === 0;
  // What is closed leaves at the average price of what is held.
  const price = isGrowing ? px_e4 : held.notional_e4 / held.qty;
  held.notional_e4 += qty * price;
  held.qty += qty;
  if (held.qty === 0) positions.delete(symbol);
  else positions.set(symbol, held);
}

function tell({ listeners }: Books): void {
  for (const listener of [...listeners]) listener();
}

function reportOf(order: PaperOrder | undefined): OrderReport | null {
  if (order === undefined) return null;
  const { id, state, filledQty, enteredAt, clientId, fills } = order;
  return {
    ...{ venueOrderId: id, state, order: order.order, filledQty, enteredAt, clientId },
    ...{ detail: null, fills: [...fills] },
  };
}

function markOf(symbol: string, { quotes }: Parts): number | null {
  const quote = quotes.last(symbol);
  if (quote === null) return null;
  const { bid_px_e4, ask_px_e4 } = quote;
  if (bid_px_e4 === null || ask_px_e4 === null) return bid_px_e4 ?? ask_px_e4;
  return (bid_px_e4 + ask_px_e4) / 2;
}

function positionsOf(parts: Parts): BrokerPosition[] {
  return [...parts.books.positions].map(([symbol, { qty, notional_e4 }]) => {
    const mark = markOf(symbol, parts);
    return {
      ...{ symbol, qty, avg_px_e4: Math.round(notional_e4 / qty) },
      market_value: mark === null ? null : (qty * mark * MULTIPLIER) / 10_000,
    };
  });
}

function accountOf(parts: Parts): BrokerAccount {
  const { books } = parts;
  const value = positionsOf(parts).reduce((sum, { market_value }) => sum + (market_value ?? 0), 0);
  const equity = books.cash + value;
  const margin = [...books.positions].reduce((sum, [symbol, { qty }]) => {
    const strike_e4 = parseOsi(symbol)?.strike_e4 ?? 0;
    return sum + (Math.max(0, -qty) * MULTIPLIER * MARGIN_RATIO * strike_e4) / 10_000;
  }, 0);
  return { buyingPower: Math.max(0, equity - margin), equity, isClosingOnly: false };
}
