// The books of a paper account: orders, executions, positions, cash. Like a broker's they refuse to close more than is open.
import type { Clock } from '../../../core/clock.ts';
import { parseOsi } from '../../../core/osi_symbol.ts';
import type { BrokerAccount, BrokerOrder, BrokerPosition, OrderReport } from '../broker.ts';
import {
  accountOf,
  type Books,
  MULTIPLIER,
  move,
  type PaperOrder,
  positionsOf,
  refusalOf,
  reportOf,
} from './books.ts';
import { fillsNow, isTriggered, type LegFill, type Market } from './fill_rule.ts';
import type { QuoteSource } from './quote_board.ts';

export interface PaperLedgerOptions {
  readonly clock: Clock;
  readonly quotes: QuoteSource;
  /** Dollars at the beginning; default 1,000,000. */
  readonly cash?: number;
  /** Quotes older than that fill nothing; default 90,000. */
  readonly staleAfterMs?: number;
  /** Of a contract, in dollars; default 0.65. */
  readonly commission?: number;
  /** Time that an order, a cancel or a replacement is on its way to the market, asked for each; default 0: there at once. */
  readonly latencyMs?: () => number;
}

export interface PaperLedger {
  /** Takes an order, or says why not. `clientId` is null for one by hand. */
  place(order: BrokerOrder, clientId: string | null): { readonly id: string } | { readonly refusal: string };
  /** False where it does not work any more. It may fill before the cancel is there. */
  cancel(id: string): boolean;
  /** As cancel and place in one; the refusal leaves the old order at work, and one that fills meanwhile is not replaced. */
  replace(id: string, order: BrokerOrder): { readonly id: string } | { readonly refusal: string };
  /** Executes units of a working order now, at its limit or the market's price: for tests. */
  fill(id: string, units: number): void;
  report(id: string): OrderReport | null;
  reports(): readonly OrderReport[];
  positions(): readonly BrokerPosition[];
  account(): BrokerAccount;
  hasClientId(clientId: string): boolean;
  /** While a contract is halted no order in it is taken, and one that is on its way is rejected when it is there. */
  halt(symbol: string, isHalted: boolean): void;
  /** From now on, or no longer, only closing orders are taken. */
  restrictToClosing(isRestricted: boolean): void;
  /** Exercises against so many short contracts, at the most those that are held: shares at the strike. */
  assign(symbol: string, contracts: number): void;
  /** Calls back when an order or a position has changed. Returns how to stop. */
  onChange(listener: () => void): () => void;
  close(): void;
}

type Parts = Required<PaperLedgerOptions> & {
  readonly books: Books;
  /** Does it when it is at the market. */
  readonly arrive: (effect: () => void) => void;
};

/** Books without an entry; working orders fill as quotes come. */
export function createPaperLedger(options: PaperLedgerOptions): PaperLedger {
  const { cash = 1_000_000, staleAfterMs = 90_000, commission = 0.65, latencyMs = () => 0 } = options;
  const books: Books = {
    ...{ orders: new Map(), positions: new Map(), taken: new Map(), listeners: new Set(), halted: new Set() },
    ...{ cash, executions: 0, isClosingOnly: false },
  };
  const closing = new AbortController();
  const arrive = arrivalOf(options.clock, latencyMs, closing.signal);
  const parts: Parts = { ...options, cash, staleAfterMs, commission, latencyMs, books, arrive };
  const { orders, listeners } = books;
  const stop = options.quotes.onQuote((symbol) => {
    for (const order of orders.values())
      if (order.order.legs.some((leg) => leg.symbol === symbol)) trade(order, parts);
  });
  return {
    place: (order, clientId) => place(order, clientId, null, parts),
    cancel: (id) => {
      const order = orders.get(id);
      if (order?.state !== 'working') return false;
      arrive(() => end(order, 'canceled', books));
      return true;
    },
    replace: (id, order) => {
      const old = orders.get(id);
      if (old?.state !== 'working') return { refusal: `order ${id} does not work` };
      return place(order, old.clientId, old, parts);
    },
    fill: (id, units) => {
      const order = orders.get(id);
      if (order?.state === 'working') book(order, fillsAnyway(order, units, parts), parts);
    },
    report: (id) => reportOf(orders.get(id)),
    reports: () => [...orders.values()].flatMap((order) => reportOf(order) ?? []),
    positions: () => positionsOf(books, options.quotes),
    account: () => accountOf(books, options.quotes),
    hasClientId: (clientId) => [...orders.values()].some((order) => order.clientId === clientId),
    halt: (symbol, isHalted) => {
      if (isHalted) books.halted.add(symbol);
      else books.halted.delete(symbol);
    },
    restrictToClosing: (isRestricted) => {
      books.isClosingOnly = isRestricted;
    },
    assign: (symbol, contracts) => assign(symbol, contracts, books),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      closing.abort();
      stop();
      listeners.clear();
    },
  };
}

function arrivalOf(clock: Clock, latencyMs: () => number, signal: AbortSignal): Parts['arrive'] {
  return (effect) => {
    const ms = latencyMs();
    if (ms === 0) effect();
    else void clock.sleep(ms, signal).then(() => signal.aborted || effect());
  };
}

/** Takes an order, or says why not; `old` is the one that it is to replace. */
function place(
  order: BrokerOrder,
  clientId: string | null,
  old: PaperOrder | null,
  parts: Parts,
): ReturnType<PaperLedger['place']> {
  const refusal = refusalOf(order, [old], parts.books);
  if (refusal !== null) return { refusal };
  const placed = enter(order, clientId, parts);
  parts.arrive(() => reach(placed, old, parts));
  tell(parts.books);
  return { id: placed.id };
}

/** An order is at the market: what speaks against it may have changed on the way. */
function reach(placed: PaperOrder, old: PaperOrder | null, parts: Parts): void {
  if (placed.state !== 'working') return;
  const { books } = parts;
  const isLate = old !== null && old.state !== 'working';
  const problem = isLate ? `order ${old.id} does not work` : refusalOf(placed.order, [placed, old], books);
  if (problem !== null) {
    placed.detail = problem;
    end(placed, 'rejected', books);
    return;
  }
  if (old !== null) end(old, 'replaced', books);
  placed.isThere = true;
  trade(placed, parts);
}

function enter(order: BrokerOrder, clientId: string | null, { clock, books }: Parts): PaperOrder {
  const placed: PaperOrder = {
    ...{ id: String(books.orders.size + 1), order, clientId, enteredAt: clock.now(), state: 'working' },
    ...{ isThere: false, isMarket: order.type === 'market', detail: null, filledQty: 0, fills: [] },
  };
  books.orders.set(placed.id, placed);
  return placed;
}

function end(order: PaperOrder, state: 'canceled' | 'replaced' | 'rejected', books: Books): void {
  if (order.state !== 'working') return;
  order.state = state;
  tell(books);
}

function assign(symbol: string, contracts: number, books: Books): void {
  const contract = parseOsi(symbol);
  const qty = Math.min(contracts, -(books.positions.get(symbol)?.qty ?? 0));
  if (contract === null || qty <= 0) return;
  move(symbol, qty, 0, books);
  // Of a call the shares are delivered, of a put they are taken.
  const shares = qty * MULTIPLIER * (contract.option_kind === 'call' ? -1 : 1);
  move(contract.root, shares, contract.strike_e4, books);
  books.cash -= (shares * contract.strike_e4) / 10_000;
  tell(books);
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
  if (order.state !== 'working' || !order.isThere) return;
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

function tell({ listeners }: Books): void {
  for (const listener of [...listeners]) listener();
}
