// Schwab's order as a report: only FILL activities are fills, and a state that we do not know is never an end.
import { scaleNumber } from '../../../core/decimal.ts';
import { Failure } from '../../../core/failure.ts';
import { toOsi } from '../../../core/osi_symbol.ts';
import type { BrokerFill, BrokerOrder, Effect, OrderLeg, OrderReport, Side, VenueState } from '../broker.ts';
import { fillsOf } from './order_fills.ts';
import type { WireLeg, WireOrder } from './wire.ts';
import { schwabTime } from './wire_time.ts';

const STATES: Readonly<Record<string, VenueState>> = {
  AWAITING_PARENT_ORDER: 'working',
  AWAITING_CONDITION: 'working',
  AWAITING_STOP_CONDITION: 'working',
  AWAITING_MANUAL_REVIEW: 'working',
  AWAITING_UR_OUT: 'working',
  AWAITING_RELEASE_TIME: 'working',
  ACCEPTED: 'working',
  PENDING_ACTIVATION: 'working',
  PENDING_ACKNOWLEDGEMENT: 'working',
  PENDING_CANCEL: 'working',
  PENDING_REPLACE: 'working',
  PENDING_RECALL: 'working',
  NEW: 'working',
  QUEUED: 'working',
  WORKING: 'working',
  FILLED: 'filled',
  CANCELED: 'canceled',
  REJECTED: 'rejected',
  EXPIRED: 'expired',
  REPLACED: 'replaced',
};

/** The node itself and, below OCO and TRIGGER orders, its children, each of which is an order of its own. */
export function orderTree(root: WireOrder): readonly WireOrder[] {
  const { enteredTime, childOrderStrategies = [] } = root;
  // A child that waits for its parent may have no time of its own.
  return [
    root,
    ...childOrderStrategies.flatMap((child) =>
      orderTree({ ...child, enteredTime: child.enteredTime ?? enteredTime }),
    ),
  ];
}

/** The report of one node. Throws a Failure on an order whose id, time, legs or fills cannot be read. */
export function orderReport(wire: WireOrder): OrderReport {
  const venueOrderId = wire.orderId ?? fail('without an id', wire);
  const enteredAt = schwabTime(wire.enteredTime) ?? fail('without the time at which it was entered', wire);
  const qty = unitsOf(wire);
  const legs = wire.orderLegCollection.map((leg) => legOf(leg, qty, wire));
  const fills = fillsOf(wire, venueOrderId);
  const state = Object.hasOwn(STATES, wire.status) ? (STATES[wire.status] as VenueState) : 'unknown';
  const isIncomplete = state !== 'working' && state !== 'unknown' && !isComplete(wire, { legs, fills });
  return {
    venueOrderId,
    // Ended, but the executions that its quantity speaks of are not all listed yet: to be read again.
    state: isIncomplete ? 'unknown' : state,
    order: { legs, qty, ...pricesOf(wire, legs) },
    filledQty: wire.filledQuantity,
    enteredAt,
    detail: wire.statusDescription ?? (isIncomplete ? `${wire.status}, executions are missing` : null),
    clientId: null,
    fills,
  };
}

function fail(what: string, wire: WireOrder): never {
  throw new Failure(`Schwab's order ${wire.orderId ?? '?'} is ${what}`, {
    hint: 'Look at it on Schwab’s own page: strikebase cannot say what became of it.',
  });
}

// `quantity` counts units; a leg of a ratio spread has a multiple of it.
function unitsOf(wire: WireOrder): number {
  const quantities = wire.orderLegCollection.map((leg) => leg.quantity);
  const { quantity } = wire;
  if (quantity !== undefined && quantity > 0 && quantities.every((each) => each % quantity === 0))
    return quantity;
  return quantities.length === 0 ? (quantity ?? 0) : quantities.reduce(commonDivisor);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function legOf(leg: WireLeg, qty: number, wire: WireOrder): OrderLeg {
  const { symbol } = leg.instrument;
  const [side, effect] = instructionParts(leg) ?? fail(`one with the instruction ${leg.instruction}`, wire);
  // Shares have a ticker, and orders for them can be seen although we send none.
  return { symbol: toOsi(symbol) ?? symbol, side, effect, ratio: leg.quantity / qty };
}

function instructionParts(leg: WireLeg): readonly [Side, Effect] | null {
  const side = /^(BUY|SELL)/.exec(leg.instruction)?.[1];
  if (side === undefined) return null;
  const isOpening = leg.instruction.endsWith('_OPEN') || leg.instruction.startsWith('SELL_SHORT');
  const isClosing = leg.instruction.endsWith('_CLOSE') || leg.instruction === 'BUY_TO_COVER';
  const closes = isClosing || (!isOpening && leg.positionEffect === 'CLOSING');
  return [side === 'BUY' ? 'buy' : 'sell', closes ? 'close' : 'open'];
}

function pricesOf(
  wire: WireOrder,
  legs: readonly OrderLeg[],
): Pick<BrokerOrder, 'type' | 'isCredit' | 'limit_px_e4' | 'stop_px_e4'> {
  const { orderType = 'UNKNOWN' } = wire;
  const isCredit = legs.length === 1 ? legs[0]?.side === 'sell' : orderType === 'NET_CREDIT';
  const isStop = orderType.startsWith('STOP') || orderType.startsWith('TRAILING_STOP');
  const type = isStop ? 'stop' : orderType.startsWith('MARKET') ? 'market' : 'limit';
  // Of a market order Schwab may show a price all the same; a stop limit keeps both, and so equals no order of ours.
  const limit_px_e4 = type === 'market' ? null : price(wire.price);
  return { type, isCredit, limit_px_e4, stop_px_e4: isStop ? price(wire.stopPrice) : null };
}

function price(value: number | undefined): number | null {
  return value === undefined ? null : scaleNumber(value, 4);
}

function isComplete(
  wire: WireOrder,
  known: { readonly legs: readonly OrderLeg[]; readonly fills: readonly BrokerFill[] },
): boolean {
  return known.legs.every((leg, index) => {
    const fills = known.fills.filter((fill) => fill.legNo === index + 1);
    return fills.reduce((sum, fill) => sum + fill.qty, 0) === wire.filledQuantity * leg.ratio;
  });
}
