// A simulated broker without its API: accounts, quotes, desk, ledger, the levers that move the market, and the hours.
import type { Clock } from '../../core/clock.ts';
import type { SessionDate } from '../../core/eastern_time.ts';
import { randomStream } from '../random.ts';
import type { AccountBook } from './account_book.ts';
import type { CheckContext } from './checks.ts';
import { createDesk, type Desk } from './desk.ts';
import { nextChange } from './hours.ts';
import { createLedger, type Ledger } from './ledger.ts';
import type { DeskEvent } from './matching.ts';
import { type OrderSpec, PLAIN_PLAN, type SimOrder } from './order.ts';
import { createQuoteBoard, type QuoteBoard } from './quote_board.ts';
import type { AccountOptions, VenueSettings } from './settings.ts';
import { assignEarly, type Settlement, type SettlementOptions, settleExpiry } from './settlement.ts';

export interface VenueParts {
  readonly settings: VenueSettings & { readonly clock: Clock };
  readonly accounts: readonly AccountOptions[];
  readonly seed: number;
  readonly firstOrderId: number;
  readonly firstActivityId: number;
  readonly emit: (event: DeskEvent) => void;
  /** Ends every delay. */
  readonly signal: AbortSignal;
}

export interface Venue {
  readonly board: QuoteBoard;
  readonly books: readonly AccountBook[];
  readonly desk: Desk;
  readonly checks: CheckContext;
  readonly ledger: Ledger;
  readonly after: (ms: number, run: () => void) => void;
  /** An account; the first without a number. Throws where there is none. */
  bookOf(accountNumber: string | undefined): AccountBook;
  orderOf(id: number): SimOrder;
  manualOrder(spec: OrderSpec, accountNumber?: string): number;
  settle(date: SessionDate, close_e4: number, options?: SettlementOptions): readonly Settlement[];
  assign(symbol: string, contracts: number, options?: { readonly showAfterMs?: number }): Settlement | null;
  /** Opens and closes the session by the clock, until the signal; the day's orders end with it. */
  keepHours(): Promise<void>;
}

function createIds(parts: VenueParts): { order(): number; activities(count: number): number } {
  const random = randomStream(parts.seed, 'ids');
  let orderId = parts.firstOrderId;
  let activityId = parts.firstActivityId;
  return {
    order: () => {
      orderId += random.int(1, 9);
      return orderId;
    },
    activities: (count) => {
      const first = activityId + random.int(1, 9);
      activityId = first + count;
      return first;
    },
  };
}

function createBooks(accounts: readonly AccountOptions[]): AccountBook[] {
  return accounts.map(({ accountNumber, cash_e4, type = 'MARGIN' }) => ({
    accountNumber,
    type,
    startCash_e4: cash_e4,
    isClosingOnly: false,
    postings: [],
  }));
}

async function keepHours({ settings, signal }: VenueParts, desk: Desk): Promise<void> {
  const { clock, hours } = settings;
  while (hours !== 'always' && !signal.aborted) {
    const now = clock.now();
    const change = nextChange(hours, now);
    if (change === null) return;
    await clock.sleep((change.at - now) / 1000, signal);
    if (signal.aborted || clock.now() < change.at) continue;
    if (change.kind === 'open') desk.open();
    else desk.close();
  }
}

/** A broker without orders. */
export function createVenue(parts: VenueParts): Venue {
  const { settings, signal, emit } = parts;
  const { clock } = settings;
  const board = createQuoteBoard();
  const books = createBooks(parts.accounts);
  const ids = createIds(parts);
  const after = (ms: number, run: () => void): void => {
    if (signal.aborted) return;
    if (ms <= 0) run();
    else void clock.sleep(ms, signal).then(() => signal.aborted || run());
  };
  const desk = createDesk({ settings, board, now: clock.now, after, emit, ids });
  const bookOf = (accountNumber: string | undefined): AccountBook => {
    const book =
      accountNumber === undefined ? books[0] : books.find((each) => each.accountNumber === accountNumber);
    if (book === undefined) throw new Error(`no such account: ${accountNumber}`);
    return book;
  };
  return {
    ...{ board, books, desk, after, bookOf },
    checks: { settings, board, ordersOf: (book) => desk.all().filter((order) => order.book === book) },
    ledger: createLedger(desk, books),
    orderOf: (id) => {
      const order = desk.find(id);
      if (order === null) throw new Error(`no such order: ${id}`);
      return order;
    },
    manualOrder: (spec, accountNumber) =>
      desk.submit(bookOf(accountNumber), spec, { source: 'manual', plan: PLAIN_PLAN }).id,
    settle: (date, close_e4, options) => {
      const settled = settleExpiry(books, ids.activities, date, close_e4, options);
      desk.expire(new Set(settled.map((each) => each.symbol)));
      return settled;
    },
    assign: (symbol, contracts, options = {}) => {
      const moment = { now: clock.now(), activityId: ids.activities(1), ...options };
      return assignEarly(bookOf(undefined), symbol, contracts, moment);
    },
    keepHours: () => keepHours(parts, desk),
  };
}
