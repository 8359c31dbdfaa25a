// Orders in Schwab's JSON (reference B2.5, B2.6): what a report made at some instant knows of an order and its children.
import { type EasternUs, epochMsFromEastern } from '../../core/eastern_time.ts';
import {
  type Execution,
  isTerminal,
  type OrderLeg,
  type OrderStatus,
  type SimOrder,
  shownAt,
} from '../venue/order.ts';
import type { Instruments, Json } from './instruments.ts';

/** `2026-11-20T14:45:00+0000`: whole seconds, and a zone without a colon. */
export function schwabTime(us: EasternUs): string {
  const seconds = Math.floor(epochMsFromEastern(us) / 1000) * 1000;
  return `${new Date(seconds).toISOString().slice(0, 19)}+0000`;
}

export function dollars(value_e4: number): number {
  return Math.round(value_e4) / 1e4;
}

interface Shown {
  readonly status: OrderStatus;
  readonly since: EasternUs;
  readonly executions: readonly Execution[];
}

const EDITABLE: ReadonlySet<OrderStatus> = new Set([
  'AWAITING_PARENT_ORDER',
  'AWAITING_STOP_CONDITION',
  'PENDING_ACTIVATION',
  'QUEUED',
  'WORKING',
]);

function fillActivity(execution: Execution, filledBefore: number, order: SimOrder, to: Instruments): Json {
  return {
    activityType: 'EXECUTION',
    activityId: execution.activityId,
    executionType: 'FILL',
    quantity: execution.qty,
    orderRemainingQuantity: order.spec.qty - filledBefore - execution.qty,
    executionLegs: execution.legs.map((leg) => ({
      legId: leg.legId,
      quantity: leg.qty,
      mismarkedQuantity: 0,
      price: dollars(leg.px_e4),
      time: schwabTime(execution.at),
      instrumentId: to.idOf(leg.symbol),
    })),
  };
}

// A cancel is an execution too, of type CANCELED and at price 0: whoever sums activities without looking counts it as a fill.
function cancelActivity(order: SimOrder, qty: number, at: EasternUs, to: Instruments): Json {
  return {
    activityType: 'EXECUTION',
    activityId: 92_000_000_000 + (order.id % 1_000_000_000),
    executionType: 'CANCELED',
    quantity: qty,
    orderRemainingQuantity: 0,
    executionLegs: order.spec.legs.map((leg, i) => ({
      legId: i + 1,
      quantity: qty * leg.ratio,
      mismarkedQuantity: 0,
      price: 0,
      time: schwabTime(at),
      instrumentId: to.idOf(leg.symbol),
    })),
  };
}

function activities(order: SimOrder, shown: Shown, filled: number, to: Instruments): Json[] {
  let before = 0;
  const fills = shown.executions.map((execution) => {
    const activity = fillActivity(execution, before, order, to);
    before += execution.qty;
    return activity;
  });
  const left = order.spec.qty - filled;
  const isOut = shown.status === 'CANCELED' || shown.status === 'REPLACED';
  return isOut && left > 0 ? [...fills, cancelActivity(order, left, shown.since, to)] : fills;
}

function legView(leg: OrderLeg, legId: number, qty: number, to: Instruments): Json {
  const instrument = to.ofOrder(leg.symbol);
  return {
    orderLegType: instrument.assetType,
    legId,
    instrument,
    instruction: leg.instruction,
    positionEffect: leg.effect === 'open' ? 'OPENING' : 'CLOSING',
    quantity: qty * leg.ratio,
  };
}

// What only a node with legs has.
function tradeFields(order: SimOrder, shown: Shown, to: Instruments): Json {
  const { spec } = order;
  const filled = shown.executions.reduce((sum, execution) => sum + execution.qty, 0);
  const activity = activities(order, shown, filled, to);
  return {
    session: spec.session,
    duration: spec.duration,
    orderType: spec.type,
    complexOrderStrategyType: spec.complexStrategy,
    quantity: spec.qty,
    filledQuantity: filled,
    // 0 at any end, even when nothing filled (recorded).
    remainingQuantity: isTerminal(shown.status) ? 0 : spec.qty - filled,
    requestedDestination: 'AUTO',
    destinationLinkName: filled > 0 ? 'CDRG' : 'AutoRoute',
    ...(spec.price_e4 === null ? {} : { price: dollars(spec.price_e4) }),
    ...(spec.stop_e4 === null ? {} : { stopPrice: dollars(spec.stop_e4), stopType: spec.stopType }),
    orderLegCollection: spec.legs.map((leg, i) => legView(leg, i + 1, spec.qty, to)),
    ...(activity.length === 0 ? {} : { orderActivityCollection: activity }),
  };
}

/** The order as reported at `asOf`, with its children; null while nothing of it is shown. */
export function orderView(order: SimOrder, asOf: EasternUs, to: Instruments): Json | null {
  const shown = shownAt(order, asOf);
  if (shown === null) return null;
  const children = order.children.map((child) => orderView(child, asOf, to)).filter((each) => each !== null);
  const isLive = EDITABLE.has(shown.status);
  const isEnded = isTerminal(shown.status);
  const showsReason = order.detail !== null && isEnded && shown.status !== 'FILLED';
  return {
    ...(order.spec.legs.length > 0 ? tradeFields(order, shown, to) : {}),
    orderStrategyType: order.spec.strategy,
    orderId: order.id,
    cancelable: isLive,
    editable: isLive && order.spec.strategy !== 'OCO',
    status: shown.status,
    enteredTime: schwabTime(order.enteredAt),
    ...(isEnded ? { closeTime: schwabTime(shown.since) } : {}),
    tag: order.source === 'manual' ? 'API_TOS:TRADE_ALL' : 'API_TOS:SIMULATOR',
    accountNumber: Number(order.book.accountNumber),
    ...(showsReason ? { statusDescription: order.detail } : {}),
    ...(children.length === 0 ? {} : { childOrderStrategies: children }),
  };
}
