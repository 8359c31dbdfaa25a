// The trader API: the twelve endpoints of reference B2 on the desk and the accounts' books.
import type { EasternUs } from '../../core/eastern_time.ts';
import { addMs, easternFromEpochMs } from '../../core/eastern_time.ts';
import type { AccountBook } from '../venue/account_book.ts';
import type { Desk } from '../venue/desk.ts';
import { type Answer, json } from '../venue/http.ts';
import { isLive, type OrderSpec, type SimOrder } from '../venue/order.ts';
import { fillable, planOf } from '../venue/order_faults.ts';
import { accountView } from './account_view.ts';
import { traderError } from './answers.ts';
import type { Fault, Operation } from './faults.ts';
import { parseOrder } from './order_request.ts';
import { orderView } from './order_view.ts';
import type { SimulatorParts } from './parts.ts';
import { previewView } from './preview_view.ts';
import type { Route } from './routes.ts';
import { transactionViews } from './transaction_view.ts';
import { accountNumbersView, userPreferenceView } from './user_view.ts';

export interface TraderCall extends Route {
  readonly query: URLSearchParams;
  /** The parsed JSON body; null where it is none. */
  readonly body: unknown;
  readonly fault: Fault | null;
}

type Handler = (call: TraderCall, parts: SimulatorParts, book: AccountBook) => Answer;

const YEAR_MS = 366 * 86_400_000;
const SIXTY_DAYS_MS = 60 * 86_400_000;
const LIVE_STATUS = 'Order cannot be changed. Its status is';

/** What the answer may know: now, or earlier by the lag and by a `stale` fault. */
function asOf(call: TraderCall, parts: SimulatorParts, lagMs: number): EasternUs {
  const staleMs = call.fault?.kind === 'stale' ? call.fault.ms : 0;
  return addMs(parts.settings.clock.now(), -(lagMs + staleMs));
}

// Schwab asks for milliseconds and Z; clients that leave the milliseconds out are served (as schwab-py does).
function instant(text: string | null): EasternUs | null {
  if (text === null || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:?\d{2})$/.test(text)) {
    return null;
  }
  const ms = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  return Number.isNaN(ms) ? null : easternFromEpochMs(ms);
}

function span(
  call: TraderCall,
  names: readonly [string, string],
  limitMs: number,
): { readonly from: EasternUs; readonly to: EasternUs } | Answer {
  const from = instant(call.query.get(names[0]));
  const to = instant(call.query.get(names[1]));
  if (from === null || to === null) {
    const errors = names.map((name) => `${name} is required and must be yyyy-MM-dd'T'HH:mm:ss.SSSZ`);
    return traderError(400, 'Bad Request', errors);
  }
  const isGood = to >= from && to - from <= limitMs * 1000;
  return isGood ? { from, to } : traderError(400, 'Bad Request', [`${names[1]} is out of range`]);
}

function isShownInList(order: SimOrder, at: EasternUs): boolean {
  return addMs(order.enteredAt, order.plan.listLagMs) <= at;
}

function listOrders(
  call: TraderCall,
  parts: SimulatorParts,
  book: AccountBook | null,
  limitMs: number,
): Answer {
  const range = span(call, ['fromEnteredTime', 'toEnteredTime'], limitMs);
  if ('status' in range) return range;
  const at = asOf(call, parts, parts.settings.lags.listMs);
  const status = call.query.get('status');
  const found = parts.desk
    .roots(book ?? undefined)
    .filter((order) => {
      // Entered times are whole seconds, in the filter too: an order can be entered "before" the request that sent it.
      const entered = Math.floor(order.enteredAt / 1e6) * 1e6;
      return entered >= range.from && entered <= range.to && isShownInList(order, at);
    })
    .map((order) => orderView(order, at, parts.instruments))
    .filter((view) => view !== null && (status === null || view.status === status));
  const limit = Number(call.query.get('maxResults') ?? 3000);
  return json(200, found.reverse().slice(0, Number.isInteger(limit) && limit > 0 ? limit : 3000));
}

function findOrder(call: TraderCall, desk: Desk, book: AccountBook): SimOrder | null {
  const order = /^\d{1,15}$/.test(call.id) ? desk.find(Number(call.id)) : null;
  return order?.book === book ? order : null;
}

const getOrder: Handler = (call, parts, book) => {
  const order = findOrder(call, parts.desk, book);
  const at = asOf(call, parts, 0);
  const isHidden = order?.plan.isHiddenById === true && !isShownInList(order, at);
  const view = order === null || isHidden ? null : orderView(order, at, parts.instruments);
  return view === null ? traderError(404, 'Order not found') : json(200, view);
};

// Another order of the account, the newest first; a child of the order counts as another.
function otherOrder(order: SimOrder, parts: SimulatorParts): number {
  const others = parts.desk.all().filter((each) => each !== order && each.book === order.book);
  return order.children[0]?.id ?? others.at(-1)?.id ?? order.id + 7;
}

function created(order: SimOrder, call: TraderCall, parts: SimulatorParts): Answer {
  const { fault, hash } = call;
  const { settings } = parts;
  const isLost =
    fault?.kind === 'no_location' || (!settings.locatesInstantFills && order.status === 'FILLED');
  if (isLost) return { status: 201 };
  const id = fault?.kind === 'wrong_location' ? (fault.orderId ?? otherOrder(order, parts)) : order.id;
  const host = fault?.kind === 'relative_location' ? '' : settings.locationHost;
  return { status: 201, headers: { location: `${host}/trader/v1/accounts/${hash}/orders/${id}` } };
}

function withSpec(call: TraderCall, run: (spec: OrderSpec) => Answer): Answer {
  const parsed = parseOrder(call.body);
  return parsed.ok ? run(parsed.spec) : traderError(400, 'Validation failed', parsed.errors);
}

const postOrder: Handler = (call, parts, book) =>
  withSpec(call, (spec) => {
    const order = parts.desk.submit(book, spec, { source: 'api', plan: planOf(call.fault) });
    return created(order, call, parts);
  });

function withLiveOrder(
  call: TraderCall,
  parts: SimulatorParts,
  book: AccountBook,
  run: (order: SimOrder) => Answer,
): Answer {
  const order = findOrder(call, parts.desk, book);
  if (order === null) return traderError(404, 'Order not found');
  if (isLive(order) && !order.isEnding) return run(order);
  return traderError(400, `${LIVE_STATUS} ${order.status}`);
}

const putOrder: Handler = (call, parts, book) =>
  withLiveOrder(call, parts, book, (order) =>
    withSpec(call, (spec) => {
      const { fault } = call;
      const fillQty = fault?.kind === 'fill_during_replace' ? fillable(order, fault.qty) : 0;
      const submission = { source: 'api' as const, plan: planOf(fault), fillQty };
      return created(parts.desk.replace(order, spec, submission), call, parts);
    }),
  );

const deleteOrder: Handler = (call, parts, book) =>
  withLiveOrder(call, parts, book, (order) => {
    const { fault } = call;
    if (fault?.kind === 'cancel_refused') return traderError(400, `${LIVE_STATUS} ${order.status}`);
    const isForced = fault?.kind === 'fill_after_cancel' || fault?.kind === 'fill_during_cancel';
    const qty = isForced ? fillable(order, fault.qty) : 0;
    if (fault?.kind === 'fill_after_cancel' && qty > 0) parts.desk.cancelAfterFill(order, qty, fault.lagMs);
    else parts.desk.cancel(order, qty);
    return { status: 200 };
  });

const transactions: Handler = (call, parts, book) => {
  const range = span(call, ['startDate', 'endDate'], YEAR_MS);
  if ('status' in range) return range;
  const types = call.query.get('types')?.split(',') ?? [];
  if (types.length === 0) return traderError(400, 'Bad Request', ['types is required']);
  const query = { ...range, types, symbol: call.query.get('symbol') };
  const at = asOf(call, parts, parts.settings.lags.positionsMs);
  return json(200, transactionViews(book, at, parts.instruments, query).slice(0, 3000));
};

const transaction: Handler = (call, parts, book) => {
  const at = asOf(call, parts, parts.settings.lags.positionsMs);
  const all = transactionViews(book, at, parts.instruments, null);
  const found = all.find((row) => String(row.activityId) === call.id);
  return found === undefined ? traderError(404, 'Transaction not found') : json(200, found);
};

function accountJson(call: TraderCall, parts: SimulatorParts, book: AccountBook): unknown {
  const withPositions = call.query.get('fields')?.split(',').includes('positions') === true;
  const at = asOf(call, parts, parts.settings.lags.positionsMs);
  return accountView(book, { asOf: at, withPositions }, parts);
}

const OF_ACCOUNT: Partial<Record<Operation, Handler>> = {
  'GET account': (call, parts, book) => json(200, accountJson(call, parts, book)),
  'GET orders': (call, parts, book) => listOrders(call, parts, book, YEAR_MS),
  'POST order': postOrder,
  'GET order': getOrder,
  'PUT order': putOrder,
  'DELETE order': deleteOrder,
  'POST previewOrder': (call, parts, book) =>
    withSpec(call, (spec) =>
      json(200, previewView(book, spec, parts.settings.clock.now(), parts.checks, parts.instruments)),
    ),
  'GET transactions': transactions,
  'GET transaction': transaction,
};

/** Answers a trader request whose token has been checked; null for operations of other APIs. */
export function answerTrader(call: TraderCall, parts: SimulatorParts): Answer | null {
  switch (call.operation) {
    case 'GET accountNumbers':
      return json(200, accountNumbersView(parts));
    case 'GET accounts':
      return json(
        200,
        parts.books.map((book) => accountJson(call, parts, book)),
      );
    case 'GET all orders':
      return listOrders(call, parts, null, SIXTY_DAYS_MS);
    case 'GET userPreference':
      return json(200, userPreferenceView(parts));
  }
  const handler = OF_ACCOUNT[call.operation];
  if (handler === undefined) return null;
  const book = parts.bookOf(call.hash);
  return book === null ? traderError(404, 'Account not found') : handler(call, parts, book);
}
