// The ledger: what is true at the simulated broker, whatever it told its clients. Tests compare with it.
import type { EasternUs } from '../../core/eastern_time.ts';
import { type AccountBook, cashOf, type Holding, holdingsOf, type Posting } from './account_book.ts';
import type { Desk } from './desk.ts';
import { type Execution, isEntry, isLive, type OrderSpec, type OrderStatus, type SimOrder } from './order.ts';

export interface LedgerOrder {
  readonly id: number;
  readonly accountNumber: string;
  readonly source: 'api' | 'manual';
  readonly spec: OrderSpec;
  /** True if any leg opens. */
  readonly isEntry: boolean;
  readonly isLive: boolean;
  readonly status: OrderStatus;
  readonly detail: string | null;
  /** Units. */
  readonly filledQty: number;
  readonly enteredAt: EasternUs;
  readonly closedAt: EasternUs | null;
  readonly parentId: number | null;
  readonly childIds: readonly number[];
  readonly replacedBy: number | null;
  readonly executions: readonly Execution[];
  /** Every status in the order of its happening. */
  readonly statuses: readonly { readonly at: EasternUs; readonly status: OrderStatus }[];
}

export interface Ledger {
  /** Every order that reached the broker, children included, oldest first. */
  orders(accountNumber?: string): readonly LedgerOrder[];
  order(id: number): LedgerOrder | null;
  /** Opening orders, of one contract or of all, that are live or have filled: two of them for one decision are the disaster. */
  entries(symbol?: string): readonly LedgerOrder[];
  /** Those of them that are live. */
  openEntries(symbol?: string): readonly LedgerOrder[];
  positions(accountNumber?: string): readonly Holding[];
  /** Contracts or shares, negative when short. */
  positionOf(symbol: string, accountNumber?: string): number;
  /** 1/10,000 dollar. */
  cash_e4(accountNumber?: string): number;
  postings(accountNumber?: string): readonly Posting[];
}

function toLedgerOrder(order: SimOrder): LedgerOrder {
  return {
    id: order.id,
    accountNumber: order.book.accountNumber,
    source: order.source,
    spec: order.spec,
    isEntry: isEntry(order.spec),
    isLive: isLive(order),
    status: order.status,
    detail: order.detail,
    filledQty: order.filledQty,
    enteredAt: order.enteredAt,
    closedAt: order.closedAt,
    parentId: order.parent?.id ?? null,
    childIds: order.children.map((child) => child.id),
    replacedBy: order.replacedBy,
    executions: order.life.flatMap((entry) => (entry.kind === 'fill' ? [entry.execution] : [])),
    statuses: order.life.flatMap((entry) =>
      entry.kind === 'status' ? [{ at: entry.at, status: entry.status }] : [],
    ),
  };
}

function trades(order: LedgerOrder, symbol: string | undefined): boolean {
  return symbol === undefined || order.spec.legs.some((leg) => leg.symbol === symbol);
}

/** A view of the truth; without an account number it is the first account's. */
export function createLedger(desk: Desk, books: readonly AccountBook[]): Ledger {
  const bookOf = (accountNumber: string | undefined): AccountBook => {
    const book =
      accountNumber === undefined ? books[0] : books.find((each) => each.accountNumber === accountNumber);
    if (book === undefined) throw new Error(`no such account: ${accountNumber}`);
    return book;
  };
  const orders = (): LedgerOrder[] => desk.all().map(toLedgerOrder);
  const entries = (symbol?: string): LedgerOrder[] =>
    orders().filter((each) => each.isEntry && trades(each, symbol) && (each.isLive || each.filledQty > 0));
  return {
    orders: (accountNumber) =>
      orders().filter((each) => accountNumber === undefined || each.accountNumber === accountNumber),
    order: (id) => orders().find((each) => each.id === id) ?? null,
    entries,
    openEntries: (symbol) => entries(symbol).filter((each) => each.isLive),
    positions: (accountNumber) => holdingsOf(bookOf(accountNumber)),
    positionOf: (symbol, accountNumber) =>
      holdingsOf(bookOf(accountNumber)).find((each) => each.symbol === symbol)?.qty ?? 0,
    cash_e4: (accountNumber) => cashOf(bookOf(accountNumber)),
    postings: (accountNumber) => bookOf(accountNumber).postings,
  };
}
