// Orders of the simulated Schwab: what a client asked for, what became of it, and the moment each change can be seen.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { AccountBook } from './account_book.ts';

/** Statuses that the simulator gives; Schwab has a few more (reference B2.3). */
export type OrderStatus =
  | 'AWAITING_PARENT_ORDER'
  | 'AWAITING_STOP_CONDITION'
  | 'PENDING_ACTIVATION'
  | 'QUEUED'
  | 'WORKING'
  | 'PENDING_CANCEL'
  | 'PENDING_REPLACE'
  | 'FILLED'
  | 'CANCELED'
  | 'REJECTED'
  | 'EXPIRED'
  | 'REPLACED';

const TERMINAL: ReadonlySet<OrderStatus> = new Set(['FILLED', 'CANCELED', 'REJECTED', 'EXPIRED', 'REPLACED']);

export type OrderType = 'MARKET' | 'LIMIT' | 'STOP' | 'STOP_LIMIT' | 'NET_CREDIT' | 'NET_DEBIT' | 'NET_ZERO';

export interface OrderLeg {
  /** An OSI symbol of 21 characters, or a ticker. */
  readonly symbol: string;
  readonly isOption: boolean;
  /** As the client sent it: SELL_TO_OPEN, BUY, ... */
  readonly instruction: string;
  readonly side: 'buy' | 'sell';
  readonly effect: 'open' | 'close';
  /** Contracts or shares per unit of the order. */
  readonly ratio: number;
}

/** A node of an order. OCO nodes have children only: their type is null, their quantity 0. */
export interface OrderSpec {
  readonly strategy: 'SINGLE' | 'TRIGGER' | 'OCO';
  readonly session: string;
  readonly duration: string;
  readonly type: OrderType | null;
  readonly complexStrategy: string;
  /** Limit per share of one unit, in 1/10,000 dollar. */
  readonly price_e4: number | null;
  readonly stop_e4: number | null;
  /** Which price triggers a stop: STANDARD, BID, ASK or MARK. */
  readonly stopType: string;
  readonly isAllOrNone: boolean;
  readonly legs: readonly OrderLeg[];
  /** Units. */
  readonly qty: number;
  readonly children: readonly OrderSpec[];
}

export interface LegExecution {
  /** From 1, in the order's legs. */
  readonly legId: number;
  readonly symbol: string;
  readonly qty: number;
  readonly px_e4: number;
  readonly activityId: number;
}

export interface Execution {
  /** Equal to the first leg's. */
  readonly activityId: number;
  readonly at: EasternUs;
  /** Units. */
  readonly qty: number;
  readonly legs: readonly LegExecution[];
}

/** A change, when it happened and from when on an order report tells of it. */
export type LifeEntry =
  | {
      readonly kind: 'status';
      readonly at: EasternUs;
      readonly shownAt: EasternUs;
      readonly status: OrderStatus;
    }
  | {
      readonly kind: 'fill';
      readonly at: EasternUs;
      readonly shownAt: EasternUs;
      readonly execution: Execution;
    };

/** What a script has in store for an order. */
export interface OrderPlan {
  readonly rejectReason: string | null;
  /** For so long the order is missing from lists, and from answers by id where `isHiddenById`. */
  readonly listLagMs: number;
  readonly isHiddenById: boolean;
  /** For so long a fill is missing from reports of the order. */
  readonly reportLagMs: number;
  /** For so long a fill is missing from positions, balances and transactions. */
  readonly positionsLagMs: number;
  /** Units of one execution after the other; when they are used up nothing fills any more. Null: no script. */
  readonly partials: readonly number[] | null;
}

export const PLAIN_PLAN: OrderPlan = {
  rejectReason: null,
  listLagMs: 0,
  isHiddenById: false,
  reportLagMs: 0,
  positionsLagMs: 0,
  partials: null,
};

/** An order as the simulator holds it: the truth, and `life` as it is reported. */
export interface SimOrder {
  readonly id: number;
  readonly book: AccountBook;
  readonly spec: OrderSpec;
  readonly plan: OrderPlan;
  readonly source: 'api' | 'manual';
  readonly enteredAt: EasternUs;
  readonly children: SimOrder[];
  readonly life: LifeEntry[];
  parent: SimOrder | null;
  status: OrderStatus;
  /** The reason of a reject. */
  detail: string | null;
  /** Units. */
  filledQty: number;
  closedAt: EasternUs | null;
  replacedBy: number | null;
  /** A cancel or a replacement is on its way: the order still fills, but does not go on to another state by itself. */
  isEnding: boolean;
  /** It has reached the market. */
  isRouted: boolean;
  isStopTriggered: boolean;
  isFillPending: boolean;
  partialsUsed: number;
}

export function isTerminal(status: OrderStatus): boolean {
  return TERMINAL.has(status);
}

export function isLive(order: SimOrder): boolean {
  return !TERMINAL.has(order.status);
}

/** True if any leg opens: what the tests call an entry. */
export function isEntry(spec: OrderSpec): boolean {
  return spec.legs.some((leg) => leg.effect === 'open');
}

export function newOrder(
  fields: Pick<SimOrder, 'id' | 'book' | 'spec' | 'plan' | 'source' | 'enteredAt' | 'parent'>,
): SimOrder {
  return {
    ...fields,
    children: [],
    life: [],
    status: 'PENDING_ACTIVATION',
    detail: null,
    filledQty: 0,
    closedAt: null,
    replacedBy: null,
    isEnding: false,
    isRouted: false,
    isStopTriggered: false,
    isFillPending: false,
    partialsUsed: 0,
  };
}

/** Records a status; reports show it `showAfterMs` later. */
export function setStatus(order: SimOrder, status: OrderStatus, at: EasternUs, showAfterMs = 0): void {
  order.status = status;
  if (isTerminal(status)) order.closedAt = at;
  order.life.push({ kind: 'status', at, shownAt: addMs(at, showAfterMs), status });
}

/** What a report made at `asOf` knows: the last status shown, and the fills shown. Null before anything is shown. */
export function shownAt(
  order: SimOrder,
  asOf: EasternUs,
): { status: OrderStatus; since: EasternUs; executions: readonly Execution[] } | null {
  const shown = order.life.filter((entry) => entry.shownAt <= asOf).sort((a, b) => a.shownAt - b.shownAt);
  const last = shown.filter((entry) => entry.kind === 'status').at(-1);
  if (last === undefined) return null;
  const executions = shown.flatMap((entry) => (entry.kind === 'fill' ? [entry.execution] : []));
  return { status: last.status, since: last.at, executions };
}
