// When orders trade: limits against the quotes, stops, displayed sizes, scripted partial fills, and the execution itself.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import { heldQty, multiplierOf, type Posting } from './account_book.ts';
import type { CheckContext } from './checks.ts';
import { isOpen } from './hours.ts';
import {
  type Execution,
  isLive,
  type LegExecution,
  type OrderLeg,
  type OrderSpec,
  type OrderStatus,
  type SimOrder,
  setStatus,
} from './order.ts';
import type { QuoteBoard } from './quote_board.ts';

/** What the streamer tells of. */
export type DeskEvent =
  | {
      readonly kind: 'created' | 'accepted' | 'changed' | 'routed' | 'cancel_accepted' | 'expired';
      readonly order: SimOrder;
    }
  | { readonly kind: 'stop_armed' | 'stop_triggered'; readonly order: SimOrder }
  | { readonly kind: 'filled'; readonly order: SimOrder; readonly execution: Execution }
  | { readonly kind: 'out'; readonly order: SimOrder; readonly reason: string | null };

export interface DeskContext extends CheckContext {
  readonly now: () => EasternUs;
  /** Runs after so many milliseconds of the clock, at once for 0; not at all when the simulator has stopped. */
  readonly after: (ms: number, run: () => void) => void;
  readonly emit: (event: DeskEvent) => void;
  readonly ids: { order(): number; activities(count: number): number };
  /** Called when an order has reached an end. */
  onEnded(order: SimOrder): void;
  /** Called on an execution that is not the order's last. */
  onPartial(order: SimOrder): void;
}

/** Ends an order. Reports show it `showAfterMs` later. */
export function end(context: DeskContext, order: SimOrder, status: OrderStatus, showAfterMs = 0): void {
  setStatus(order, status, context.now(), showAfterMs);
  context.onEnded(order);
}

/** The broker ends an order by itself: the streamer's UROut with SystemReject. */
export function systemCancel(context: DeskContext, order: SimOrder, reason: string): void {
  if (!isLive(order)) return;
  order.detail = reason;
  context.emit({ kind: 'out', order, reason });
  end(context, order, 'CANCELED');
}

function triggerPrice(order: SimOrder, leg: OrderLeg, board: QuoteBoard): number | null {
  const quote = board.get(leg.symbol);
  if (quote === null) return null;
  const { stopType } = order.spec;
  const ownSide = leg.side === 'buy' ? quote.ask_e4 : quote.bid_e4;
  const px_e4 =
    stopType === 'BID'
      ? quote.bid_e4
      : stopType === 'ASK'
        ? quote.ask_e4
        : stopType === 'STANDARD'
          ? ownSide
          : null;
  // The simulator has no last price: LAST goes by the mark.
  return px_e4 ?? board.markOf(leg.symbol);
}

/** True when a stop has no say: there is none, or it has been reached, a buy's from below (ask >= stop), a sale's from above. */
function isTriggered(context: DeskContext, order: SimOrder): boolean {
  const { stop_e4, legs } = order.spec;
  const [leg] = legs;
  if (stop_e4 === null || order.isStopTriggered || leg === undefined) return true;
  const px_e4 = triggerPrice(order, leg, context.board);
  if (px_e4 === null || px_e4 <= 0) return false;
  if (leg.side === 'buy' ? px_e4 < stop_e4 : px_e4 > stop_e4) return false;
  order.isStopTriggered = true;
  if (order.status === 'AWAITING_STOP_CONDITION') setStatus(order, 'WORKING', context.now());
  context.emit({ kind: 'stop_triggered', order });
  return true;
}

/** Credit of one unit at these prices, negative when it is a debit; per share in 1/10,000 dollar. */
export function netCredit(spec: OrderSpec, prices: readonly number[]): number {
  return spec.legs.reduce((sum, leg, i) => {
    const px_e4 = (prices[i] ?? 0) * leg.ratio;
    return leg.side === 'sell' ? sum + px_e4 : sum - px_e4;
  }, 0);
}

function isWithinLimit(spec: OrderSpec, prices: readonly number[]): boolean {
  if (spec.type === 'MARKET' || spec.type === 'STOP') return true;
  const credit = netCredit(spec, prices);
  const limit = spec.price_e4 ?? 0;
  if (spec.type === 'NET_CREDIT') return credit >= limit;
  if (spec.type === 'NET_DEBIT') return -credit <= limit;
  if (spec.type === 'NET_ZERO') return credit >= 0;
  const [leg] = spec.legs;
  const px_e4 = prices[0] ?? 0;
  return leg?.side === 'buy' ? px_e4 <= limit : px_e4 >= limit;
}

/** Prices of the legs at which the order trades now; null when it does not. */
function tradablePrices(context: DeskContext, order: SimOrder): readonly number[] | null {
  const prices = order.spec.legs.map((leg) => context.board.priceOf(leg));
  const known = prices.filter((px_e4) => px_e4 !== null);
  if (known.length < prices.length || known.length === 0) return null;
  return isWithinLimit(order.spec, known) ? known : null;
}

function displayedUnits(context: DeskContext, order: SimOrder, remaining: number): number {
  if (!context.settings.respectSizes) return remaining;
  const sizes = order.spec.legs.map((leg) => Math.floor(context.board.sizeLeft(leg) / leg.ratio));
  const units = Math.min(remaining, ...sizes);
  return order.spec.isAllOrNone && units < remaining ? 0 : units;
}

function nextUnits(context: DeskContext, order: SimOrder): number {
  const remaining = order.spec.qty - order.filledQty;
  const { partials } = order.plan;
  if (partials === null) {
    const units = displayedUnits(context, order, remaining);
    return order.spec.duration === 'FILL_OR_KILL' && units < remaining ? 0 : units;
  }
  const units = partials[order.partialsUsed] ?? 0;
  order.partialsUsed += 1;
  return Math.min(remaining, units);
}

/** Units that can close what is held now; an order must not turn a position round. */
function closableUnits(order: SimOrder): number {
  const units = order.spec.legs
    .filter((leg) => leg.effect === 'close')
    .map((leg) => {
      const held = heldQty(order.book, leg.symbol);
      return Math.floor(Math.max(0, leg.side === 'buy' ? -held : held) / leg.ratio);
    });
  return Math.min(Number.POSITIVE_INFINITY, ...units);
}

// An order on its way out still fills: a cancel and a replacement take their time.
function canFill(context: DeskContext, order: SimOrder): boolean {
  return order.isRouted && isLive(order) && isOpen(context.settings.hours, context.now());
}

function fillNow(context: DeskContext, order: SimOrder): void {
  order.isFillPending = false;
  if (!canFill(context, order)) return;
  const prices = tradablePrices(context, order);
  if (prices === null) return;
  const units = nextUnits(context, order);
  if (units > 0) execute(context, order, units, prices);
}

/** Trades what can trade at the present quotes, now or after the fill delay. */
export function tryFill(context: DeskContext, order: SimOrder): void {
  if (!canFill(context, order) || order.isFillPending || order.spec.legs.length === 0) return;
  if (!isTriggered(context, order) || tradablePrices(context, order) === null) return;
  order.isFillPending = true;
  context.after(context.settings.delays.fillMs, () => fillNow(context, order));
}

function feesOfLeg(context: DeskContext, leg: OrderLeg, qty: number): Posting['fees'] {
  if (!leg.isOption) return [];
  const { fees } = context.settings;
  const isSale = leg.side === 'sell';
  return [
    { type: 'COMMISSION', amount_e4: fees.commission_e4 * qty },
    { type: 'SEC_FEE', amount_e4: isSale ? fees.secFee_e4 * qty : 0 },
    { type: 'OPT_REG_FEE', amount_e4: fees.optRegFee_e4 * qty },
    { type: 'TAF_FEE', amount_e4: isSale ? fees.tafFee_e4 * qty : 0 },
  ];
}

function post(context: DeskContext, order: SimOrder, leg: OrderLeg, execution: LegExecution): void {
  const at = context.now();
  const qty = leg.side === 'buy' ? execution.qty : -execution.qty;
  order.book.postings.push({
    activityId: execution.activityId,
    at,
    shownAt: addMs(at, order.plan.positionsLagMs),
    type: 'TRADE',
    description: null,
    orderId: order.id,
    symbol: leg.symbol,
    qty,
    px_e4: execution.px_e4,
    amount_e4: -qty * execution.px_e4 * multiplierOf(leg.symbol),
    fees: feesOfLeg(context, leg, execution.qty),
    effect: leg.effect,
  });
}

/**
 * Executes units of an order at the prices of its legs, whatever the quotes say, and returns how many. A closing order fills at
 * most what is held; with nothing left to close it is canceled. `showAfterMs` delays reports and the streamer's event.
 */
export function execute(
  context: DeskContext,
  order: SimOrder,
  wanted: number,
  prices: readonly number[],
  showAfterMs = 0,
): number {
  const units = Math.min(wanted, order.spec.qty - order.filledQty, closableUnits(order));
  if (units <= 0) {
    if (closableUnits(order) <= 0) systemCancel(context, order, 'There is no position left to close.');
    return 0;
  }
  const at = context.now();
  const firstId = context.ids.activities(order.spec.legs.length);
  const legs = order.spec.legs.map((leg, i) => ({
    legId: i + 1,
    symbol: leg.symbol,
    qty: units * leg.ratio,
    px_e4: prices[i] ?? 0,
    activityId: firstId + i,
  }));
  const execution: Execution = { activityId: firstId, at, qty: units, legs };
  const lagMs = order.plan.reportLagMs + showAfterMs;
  order.life.push({ kind: 'fill', at, shownAt: addMs(at, lagMs), execution });
  order.filledQty += units;
  order.spec.legs.forEach((leg, i) => {
    const done = legs[i];
    if (done === undefined) return;
    context.board.take(leg, done.qty);
    post(context, order, leg, done);
  });
  const isLast = order.filledQty === order.spec.qty;
  if (isLast) setStatus(order, 'FILLED', at, lagMs);
  context.after(showAfterMs, () => context.emit({ kind: 'filled', order, execution }));
  if (isLast) context.onEnded(order);
  else context.onPartial(order);
  return units;
}

/** Prices for an execution that a script forces: the quotes' where they trade within the limit, else the limit itself. */
export function forcedPrices(context: DeskContext, order: SimOrder): readonly number[] {
  const tradable = tradablePrices(context, order);
  if (tradable !== null) return tradable;
  const { spec } = order;
  const known = spec.legs.map((leg) => context.board.priceOf(leg) ?? 10_000);
  const limit = spec.price_e4 ?? spec.stop_e4;
  if (limit === null) return known;
  if (spec.legs.length === 1) return [limit];
  // The first leg gives way until the net price is the limit.
  const wanted = spec.type === 'NET_CREDIT' ? limit : -limit;
  const first = spec.legs[0];
  const missing = wanted - netCredit(spec, known);
  const step = first === undefined ? 0 : missing / first.ratio;
  return known.map((px_e4, i) =>
    i > 0 ? px_e4 : Math.max(0, Math.round(px_e4 + (first?.side === 'sell' ? step : -step))),
  );
}
