// Orders in Tradier's JSON (reference A7): legs as orders of their own, fills as totals, a parent whose price is negative for a credit.
import { type EasternUs, epochMsFromEastern } from '../../core/eastern_time.ts';
import { parseOsi } from '../../core/osi_symbol.ts';
import { netCredit } from '../venue/matching.ts';
import {
  type Execution,
  isLive,
  isTerminal,
  type LegExecution,
  type OrderLeg,
  type OrderStatus,
  type OrderType,
  type SimOrder,
  shownAt,
} from '../venue/order.ts';
import { underlyingOf } from '../venue/symbols.ts';
import { toTradier } from './symbols.ts';
import type { Json } from './wire.ts';

/** What the client knows as one order: a change of it is another order behind the same id. */
export interface Ticket {
  readonly id: number;
  readonly tag: string | null;
  /** Oldest first. */
  readonly orders: SimOrder[];
}

export interface ViewOptions {
  readonly asOf: EasternUs;
  readonly withTags: boolean;
  readonly withLegs: boolean;
  readonly parentQuantity: 'legs' | 'units';
}

const STATUS: Readonly<Record<OrderStatus, string>> = {
  AWAITING_PARENT_ORDER: 'held',
  AWAITING_STOP_CONDITION: 'open',
  PENDING_ACTIVATION: 'pending',
  QUEUED: 'pending',
  WORKING: 'open',
  PENDING_CANCEL: 'open',
  PENDING_REPLACE: 'open',
  FILLED: 'filled',
  CANCELED: 'canceled',
  REJECTED: 'rejected',
  EXPIRED: 'expired',
  REPLACED: 'open',
};

const TYPE: Readonly<Record<OrderType, string>> = {
  MARKET: 'market',
  LIMIT: 'limit',
  STOP: 'stop',
  STOP_LIMIT: 'stop_limit',
  NET_CREDIT: 'credit',
  NET_DEBIT: 'debit',
  NET_ZERO: 'even',
};

export function iso(us: EasternUs): string {
  return new Date(epochMsFromEastern(us)).toISOString();
}

/** The order that works, or worked last. A change that came too late has changed nothing. */
export function currentOf(ticket: Ticket): SimOrder {
  const live = ticket.orders.filter(isLive);
  const kept = ticket.orders.filter((order, i) => i === 0 || order.status !== 'REJECTED');
  return (live.at(-1) ?? kept.at(-1) ?? ticket.orders[0]) as SimOrder;
}

export function filledUnits(ticket: Ticket): number {
  return ticket.orders.reduce((sum, order) => sum + order.filledQty, 0);
}

interface Totals {
  readonly qty: number;
  readonly avg: number;
  readonly last_px: number;
  readonly last_qty: number;
}

function dollars(value_e4: number): number {
  return Math.round((value_e4 / 1e4) * 1e8) / 1e8;
}

function legTotals(executions: readonly Execution[], index: number): Totals {
  const legs = executions.flatMap((execution): LegExecution[] =>
    execution.legs[index] ? [execution.legs[index]] : [],
  );
  const qty = legs.reduce((sum, leg) => sum + leg.qty, 0);
  const value = legs.reduce((sum, leg) => sum + leg.qty * leg.px_e4, 0);
  const last = legs.at(-1);
  return {
    qty,
    avg: qty === 0 ? 0 : dollars(value / qty),
    last_px: last === undefined ? 0 : dollars(last.px_e4),
    last_qty: last?.qty ?? 0,
  };
}

// Of a unit: negative for a credit.
function parentTotals(order: SimOrder, executions: readonly Execution[], sumsLegs: boolean): Totals {
  const { spec } = order;
  const cost = (each: Execution): number =>
    -netCredit(
      spec,
      each.legs.map((leg) => leg.px_e4),
    );
  const units = executions.reduce((sum, each) => sum + each.qty, 0);
  const value = executions.reduce((sum, each) => sum + each.qty * cost(each), 0);
  const last = executions.at(-1);
  const perUnit = sumsLegs ? spec.legs.reduce((sum, leg) => sum + leg.ratio, 0) : 1;
  return {
    qty: units * perUnit,
    avg: units === 0 ? 0 : dollars(value / units),
    last_px: last === undefined ? 0 : dollars(cost(last)),
    last_qty: (last?.qty ?? 0) * perUnit,
  };
}

function totalsFields(totals: Totals, quantity: number, perUnit: number): Json {
  return {
    avg_fill_price: totals.avg,
    exec_quantity: totals.qty,
    last_fill_price: totals.last_px,
    last_fill_quantity: totals.last_qty,
    remaining_quantity: Math.max(0, quantity - totals.qty / perUnit),
  };
}

interface Shown {
  readonly status: string;
  readonly since: EasternUs;
  readonly executions: readonly Execution[];
  readonly isEnded: boolean;
}

function shownOf(ticket: Ticket, asOf: EasternUs): Shown | null {
  const shown = ticket.orders.flatMap((order) => {
    const seen = shownAt(order, asOf);
    return seen === null ? [] : [{ order, ...seen }];
  });
  const told = shown.filter((each, i) => i === 0 || each.status !== 'REJECTED');
  const last = told.at(-1);
  if (last === undefined) return null;
  const executions = shown.flatMap((each) => each.executions);
  const isPartial = executions.length > 0 && STATUS[last.status] === 'open';
  return {
    status: isPartial ? 'partially_filled' : STATUS[last.status],
    since: last.since,
    executions,
    isEnded: isTerminal(last.status) && last.status !== 'REPLACED',
  };
}

function rootSymbol(leg: OrderLeg | undefined): string {
  return leg === undefined ? '' : toTradier(underlyingOf(parseOsi(leg.symbol)?.root ?? leg.symbol));
}

function priceFields(order: SimOrder): Json {
  const { price_e4, stop_e4 } = order.spec;
  return {
    ...(price_e4 === null ? {} : { price: dollars(price_e4) }),
    ...(stop_e4 === null ? {} : { stop_price: dollars(stop_e4) }),
  };
}

function legView(order: SimOrder, index: number, id: number, shown: Shown, common: Json): Json {
  const leg = order.spec.legs[index] as OrderLeg;
  const quantity = order.spec.qty * leg.ratio;
  return {
    ...common,
    id,
    side: leg.instruction.toLowerCase(),
    quantity,
    ...totalsFields(legTotals(shown.executions, index), quantity, 1),
    class: leg.isOption ? 'option' : 'equity',
    ...(leg.isOption ? { option_symbol: toTradier(leg.symbol) } : {}),
  };
}

function commonFields(ticket: Ticket, shown: Shown): Json {
  const order = currentOf(ticket);
  const first = ticket.orders[0] as SimOrder;
  const { type, legs, duration } = order.spec;
  const showsReason = order.detail !== null && shown.isEnded && shown.status !== 'filled';
  return {
    type: type === null ? 'market' : TYPE[type],
    symbol: rootSymbol(legs[0]),
    status: shown.status,
    duration: duration === 'GOOD_TILL_CANCEL' ? 'gtc' : 'day',
    ...priceFields(order),
    create_date: iso(first.enteredAt),
    transaction_date: iso(shown.since),
    ...(showsReason ? { reason_description: order.detail } : {}),
  };
}

function withTag(ticket: Ticket, options: ViewOptions): Json {
  return options.withTags && ticket.tag !== null ? { tag: ticket.tag } : {};
}

// The quantity of the first order: a change cannot alter it.
function unitsOf(ticket: Ticket): number {
  return ticket.orders[0]?.spec.qty ?? 0;
}

function multilegView(ticket: Ticket, shown: Shown, options: ViewOptions): Json {
  const order = currentOf(ticket);
  const common = commonFields(ticket, shown);
  const sumsLegs = options.parentQuantity === 'legs';
  const perUnit = sumsLegs ? order.spec.legs.reduce((sum, leg) => sum + leg.ratio, 0) : 1;
  const quantity = unitsOf(ticket);
  const whole = { ...order, spec: { ...order.spec, qty: quantity } };
  const legs = order.spec.legs.map((_, i) => legView(whole, i, legId(ticket.id, i), shown, common));
  return {
    ...common,
    id: ticket.id,
    // Means nothing.
    side: 'buy',
    quantity,
    ...totalsFields(parentTotals(order, shown.executions, sumsLegs), quantity, perUnit),
    class: 'multileg',
    num_legs: legs.length,
    strategy: legs.length === 2 ? 'spread' : 'condor',
    ...withTag(ticket, options),
    ...(options.withLegs ? { leg: legs } : {}),
  };
}

function legId(id: number, index: number): number {
  return 9_000_000_000 + id * 10 + index;
}

/** The order as reported at `asOf`; null while nothing of it is shown. Children of brackets are its legs. */
export function ticketView(
  ticket: Ticket,
  options: ViewOptions,
  childOf: (order: SimOrder) => Ticket,
): Json | null {
  const shown = shownOf(ticket, options.asOf);
  if (shown === null) return null;
  const order = currentOf(ticket);
  const { strategy, legs } = order.spec;
  if (strategy === 'SINGLE' && legs.length > 1) return multilegView(ticket, shown, options);
  const own = legs.length === 0 ? null : singleView(ticket, shown, options);
  if (strategy === 'SINGLE') return own;
  const below = order.children.flatMap((child) => (child.spec.strategy === 'OCO' ? child.children : [child]));
  const children = below.map((child) => ticketView(childOf(child), options, childOf));
  const kind = strategy === 'OCO' ? 'oco' : below.length > 1 ? 'otoco' : 'oto';
  return {
    ...commonFields(ticket, shown),
    id: ticket.id,
    side: 'buy',
    quantity: 0,
    class: kind,
    num_legs: children.length + (own === null ? 0 : 1),
    ...withTag(ticket, options),
    leg: [own === null ? null : { ...own, id: legId(ticket.id, 0) }, ...children].filter(
      (each) => each !== null,
    ),
  };
}

function singleView(ticket: Ticket, shown: Shown, options: ViewOptions): Json {
  const order = currentOf(ticket);
  const whole = { ...order, spec: { ...order.spec, qty: unitsOf(ticket) } };
  return { ...legView(whole, 0, ticket.id, shown, commonFields(ticket, shown)), ...withTag(ticket, options) };
}
