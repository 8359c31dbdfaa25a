// The order desk: takes orders, leads each through its states, links TRIGGER and OCO children, cancels, replaces, expires.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { AccountBook } from './account_book.ts';
import { type CheckContext, rejectReason } from './checks.ts';
import { isOpen } from './hours.ts';
import {
  type DeskContext,
  type DeskEvent,
  end,
  execute,
  forcedPrices,
  systemCancel,
  tryFill,
} from './matching.ts';
import {
  isLive,
  newOrder,
  type OrderPlan,
  type OrderSpec,
  PLAIN_PLAN,
  type SimOrder,
  setStatus,
} from './order.ts';

export interface Submission {
  readonly source: 'api' | 'manual';
  readonly plan: OrderPlan;
}

export interface Desk {
  /** Takes an order, checks it and starts it. What is wrong with it shows as REJECTED, never as an error. */
  submit(book: AccountBook, spec: OrderSpec, submission: Submission): SimOrder;
  /** Asks for the cancel of a live order and of what hangs on it. It may fill before; `fillQty` units of it do. */
  cancel(order: SimOrder, fillQty?: number): void;
  /** The cancel is shown, and `lagMs` later the fill that came before it. */
  cancelAfterFill(order: SimOrder, qty: number, lagMs: number): void;
  /**
   * Sends a replacement. The old order may fill before, `fillQty` units of it do; when nothing of it is left the new one is
   * rejected, else it works in its full quantity.
   */
  replace(order: SimOrder, spec: OrderSpec, submission: Submission & { readonly fillQty?: number }): SimOrder;
  /** Executes units now: at these prices of the legs, or at the quotes or the limit. Returns how many. */
  fill(order: SimOrder, qty: number, prices?: readonly number[]): number;
  /** A quote has changed. */
  match(symbol: string): void;
  open(): void;
  close(): void;
  /** Ends every live order in these symbols. */
  expire(symbols: ReadonlySet<string>): void;
  find(id: number): SimOrder | null;
  /** Orders that hang on no other, oldest first. */
  roots(book?: AccountBook): readonly SimOrder[];
  /** Every node. */
  all(): readonly SimOrder[];
}

export interface DeskParts extends Omit<CheckContext, 'ordersOf'> {
  readonly now: () => EasternUs;
  readonly after: DeskContext['after'];
  readonly emit: (event: DeskEvent) => void;
  readonly ids: DeskContext['ids'];
}

// Our words: Schwab's are unknown.
const REPLACED_TOO_LATE = 'The order to be replaced is no longer open.';

function reject(context: DeskContext, order: SimOrder, reason: string): void {
  order.detail = reason;
  const { rejectMs } = context.settings.delays;
  context.after(rejectMs, () => context.emit({ kind: 'out', order, reason }));
  end(context, order, 'REJECTED', rejectMs);
}

function work(context: DeskContext, order: SimOrder): void {
  if (!isLive(order) || order.isEnding) return;
  const waits = order.spec.stop_e4 !== null && !order.isStopTriggered;
  order.isRouted = true;
  setStatus(order, waits ? 'AWAITING_STOP_CONDITION' : 'WORKING', context.now());
  context.emit({ kind: waits ? 'stop_armed' : 'routed', order });
  tryFill(context, order);
  const isImmediate = ['IMMEDIATE_OR_CANCEL', 'FILL_OR_KILL'].includes(order.spec.duration);
  if (isImmediate && !order.isFillPending) {
    systemCancel(context, order, 'The order could not be filled immediately.');
  }
}

// Outside the hours an order stays PENDING_ACTIVATION (as recorded on a Saturday); `open` comes back to it.
function activate(context: DeskContext, order: SimOrder): void {
  if (!isLive(order) || order.isEnding || !isOpen(context.settings.hours, context.now())) return;
  setStatus(order, 'QUEUED', context.now());
  context.after(context.settings.delays.workMs, () => work(context, order));
}

function begin(context: DeskContext, order: SimOrder): void {
  if (order.spec.strategy === 'OCO') {
    setStatus(order, 'WORKING', context.now());
    for (const child of order.children) beginChild(context, child);
    return;
  }
  if (order.status !== 'PENDING_ACTIVATION') setStatus(order, 'PENDING_ACTIVATION', context.now());
  context.after(context.settings.delays.activateMs, () => activate(context, order));
}

function beginChild(context: DeskContext, child: SimOrder): void {
  if (!isLive(child) || child.isEnding) return;
  const options = { now: context.now(), order: child, isChild: true };
  const reason =
    child.spec.strategy === 'OCO' ? null : rejectReason(context, child.book, child.spec, options);
  if (reason === null) begin(context, child);
  else reject(context, child, reason);
}

function endQuietly(context: DeskContext, order: SimOrder, status: 'CANCELED' | 'EXPIRED'): void {
  if (!isLive(order)) return;
  if (order.spec.strategy === 'OCO') for (const child of order.children) endQuietly(context, child, status);
  if (!isLive(order)) return;
  context.emit(status === 'EXPIRED' ? { kind: 'expired', order } : { kind: 'out', order, reason: null });
  end(context, order, status);
}

function cancel(context: DeskContext, order: SimOrder, fillQty = 0): void {
  if (!isLive(order) || order.isEnding) return;
  if (order.spec.strategy === 'OCO') {
    for (const child of order.children) cancel(context, child);
    return;
  }
  order.isEnding = true;
  setStatus(order, 'PENDING_CANCEL', context.now());
  context.emit({ kind: 'cancel_accepted', order });
  if (fillQty > 0) execute(context, order, fillQty, forcedPrices(context, order));
  context.after(context.settings.delays.cancelMs, () => endQuietly(context, order, 'CANCELED'));
}

function startChildren(context: DeskContext, order: SimOrder): void {
  const waiting = order.children.filter((child) => child.status === 'AWAITING_PARENT_ORDER');
  for (const child of waiting) beginChild(context, child);
}

// One cancels the other; the parent ends with its last child.
function onOcoChildEnded(context: DeskContext, parent: SimOrder, child: SimOrder): void {
  const isCanceling = context.settings.ocoOnPartial === 'cancel' && child.filledQty > 0;
  if (child.status === 'FILLED' || isCanceling) {
    for (const sibling of parent.children) if (sibling !== child) cancel(context, sibling);
  }
  if (!isLive(parent) || parent.children.some(isLive)) return;
  const statuses = parent.children.map((each) => each.status);
  end(context, parent, statuses.includes('FILLED') ? 'FILLED' : (statuses[0] ?? 'CANCELED'));
}

function onEnded(context: DeskContext, order: SimOrder): void {
  const isDone = order.status === 'FILLED' || (context.settings.triggersOnPartial && order.filledQty > 0);
  if (order.spec.strategy === 'TRIGGER') {
    if (isDone) startChildren(context, order);
    else for (const child of order.children) endQuietly(context, child, 'CANCELED');
  }
  const { parent } = order;
  if (parent?.spec.strategy === 'OCO') onOcoChildEnded(context, parent, order);
}

function onPartial(context: DeskContext, order: SimOrder): void {
  if (order.spec.strategy === 'TRIGGER' && context.settings.triggersOnPartial) startChildren(context, order);
  if (order.parent?.spec.strategy !== 'OCO' || context.settings.ocoOnPartial !== 'cancel') return;
  for (const sibling of order.parent.children) if (sibling !== order) cancel(context, sibling);
}

function create(
  context: DeskContext,
  orders: Map<number, SimOrder>,
  book: AccountBook,
  spec: OrderSpec,
  submission: Submission & { readonly parent: SimOrder | null },
): SimOrder {
  const { parent, plan, source } = submission;
  const enteredAt = context.now();
  const order = newOrder({ id: context.ids.order(), book, spec, plan, source, enteredAt, parent });
  orders.set(order.id, order);
  const waits =
    parent !== null && (parent.spec.strategy === 'TRIGGER' || parent.status === 'AWAITING_PARENT_ORDER');
  setStatus(order, waits ? 'AWAITING_PARENT_ORDER' : 'PENDING_ACTIVATION', enteredAt);
  const below = { ...submission, plan: { ...PLAIN_PLAN, listLagMs: plan.listLagMs }, parent: order };
  for (const child of spec.children) order.children.push(create(context, orders, book, child, below));
  return order;
}

function replaceNow(context: DeskContext, old: SimOrder, replacement: SimOrder): void {
  // It may have been canceled in the meantime.
  const isWanted = isLive(replacement) && !replacement.isEnding;
  if (!isLive(old)) {
    if (isWanted) reject(context, replacement, REPLACED_TOO_LATE);
    return;
  }
  const { parent } = old;
  if (parent !== null) {
    parent.children.splice(parent.children.indexOf(old), 1, replacement);
    replacement.parent = parent;
    old.parent = null;
  }
  old.replacedBy = replacement.id;
  end(context, old, 'REPLACED');
  if (!isWanted) return;
  const options = { now: context.now(), order: replacement };
  const reason = replacement.plan.rejectReason ?? rejectReason(context, old.book, replacement.spec, options);
  if (reason === null) begin(context, replacement);
  else reject(context, replacement, reason);
}

interface Books {
  readonly context: DeskContext;
  readonly orders: Map<number, SimOrder>;
}

function submit(
  { context, orders }: Books,
  book: AccountBook,
  spec: OrderSpec,
  submission: Submission,
): SimOrder {
  const order = create(context, orders, book, spec, { ...submission, parent: null });
  context.emit({ kind: 'created', order });
  const options = { now: context.now(), order };
  const reason = submission.plan.rejectReason ?? rejectReason(context, book, spec, options);
  if (reason !== null) {
    reject(context, order, reason);
    return order;
  }
  context.emit({ kind: 'accepted', order });
  begin(context, order);
  return order;
}

function cancelAfterFill(context: DeskContext, order: SimOrder, qty: number, lagMs: number): void {
  const { cancelMs } = context.settings.delays;
  order.isEnding = true;
  setStatus(order, 'PENDING_CANCEL', context.now());
  context.emit({ kind: 'cancel_accepted', order });
  const prices = forcedPrices(context, order);
  // Shown before the fill, and overtaken by it where that was the whole order.
  setStatus(order, 'CANCELED', context.now(), cancelMs);
  execute(context, order, qty, prices, cancelMs + lagMs);
  context.after(cancelMs, () => context.emit({ kind: 'out', order, reason: null }));
  if (order.status === 'CANCELED') context.onEnded(order);
}

function replace(
  { context, orders }: Books,
  order: SimOrder,
  spec: OrderSpec,
  submission: Submission & { readonly fillQty?: number },
): SimOrder {
  const replacement = create(context, orders, order.book, spec, { ...submission, parent: null });
  order.isEnding = true;
  setStatus(order, 'PENDING_REPLACE', context.now());
  context.emit({ kind: 'changed', order: replacement });
  const fillQty = submission.fillQty ?? 0;
  if (fillQty > 0) execute(context, order, fillQty, forcedPrices(context, order));
  context.after(context.settings.delays.cancelMs, () => replaceNow(context, order, replacement));
  return replacement;
}

/** A desk without orders. */
export function createDesk(parts: DeskParts): Desk {
  const orders = new Map<number, SimOrder>();
  const all = (): SimOrder[] => [...orders.values()];
  const live = (): SimOrder[] => all().filter(isLive);
  const trading = (symbols: ReadonlySet<string>): SimOrder[] =>
    live().filter((order) => order.spec.legs.some((leg) => symbols.has(leg.symbol)));
  const context: DeskContext = {
    ...parts,
    ordersOf: (book) => all().filter((order) => order.book === book),
    onEnded: (order) => onEnded(context, order),
    onPartial: (order) => onPartial(context, order),
  };
  const books = { context, orders };
  return {
    submit: (book, spec, submission) => submit(books, book, spec, submission),
    cancel: (order, fillQty) => cancel(context, order, fillQty),
    cancelAfterFill: (order, qty, lagMs) => cancelAfterFill(context, order, qty, lagMs),
    replace: (order, spec, submission) => replace(books, order, spec, submission),
    fill: (order, qty, prices) =>
      isLive(order) ? execute(context, order, qty, prices ?? forcedPrices(context, order)) : 0,
    match: (symbol) => {
      for (const order of trading(new Set([symbol]))) tryFill(context, order);
    },
    open: () => {
      const waiting = live().filter((order) => order.status === 'PENDING_ACTIVATION');
      for (const order of waiting) if (order.spec.legs.length > 0) activate(context, order);
    },
    close: () => {
      const ofTheDay = live().filter((order) => order.spec.duration === 'DAY' && order.spec.legs.length > 0);
      for (const order of ofTheDay) endQuietly(context, order, 'EXPIRED');
    },
    expire: (symbols) => {
      for (const order of trading(symbols)) endQuietly(context, order, 'EXPIRED');
    },
    find: (id) => orders.get(id) ?? null,
    roots: (book) =>
      all().filter((order) => order.parent === null && (book === undefined || order.book === book)),
    all,
  };
}
