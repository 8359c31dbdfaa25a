// Why Schwab rejects an order that it has accepted with 201: the status REJECTED and its words (reference B2.6).
import { dateOf, type EasternUs } from '../../core/eastern_time.ts';
import { parseOsi } from '../../core/osi_symbol.ts';
import { type AccountBook, cashOf, heldQty, holdingsOf } from './account_book.ts';
import { isOpen } from './hours.ts';
import { availableFunds } from './margin.ts';
import { isEntry, isLive, type OrderLeg, type OrderSpec, type SimOrder } from './order.ts';
import type { QuoteBoard } from './quote_board.ts';
import type { Settings } from './settings.ts';

/** Recorded (tylerebowers/Schwabdev#36). */
export const TICK_REASON =
  'Enter the price in decimal form: Penny Pilot options $0.01 under $3; $0.05 over $3; & all other options $0.05 under $3; $0.10 over $3.';
/** Recorded in a preview. */
export const SPREAD_TICK_REASON = 'Spread orders for SPX options must be priced in 5-cent increments.';
/** Reported by several users of the API. */
export const OVERSOLD_REASON =
  'This order may result in an oversold/overbought position in your account. Please check your position quantity and/or open orders.';
/** Reported by several users of the API. */
export const FUNDS_REASON = 'You do not have enough available cash/buying power for this order.';
/** Words of our own from here on: Schwab's are unknown. */
export const WRONG_SIDE_REASON =
  'Order_Sys_0002: the stop price is on the wrong side of the current market price.';
export const SESSION_REASON = 'Option orders are accepted for the regular session only.';
export const EXPIRED_REASON = 'The option has expired.';
export const SPREAD_STOP_REASON = 'Stop orders are not available for multi-leg option orders.';
export const CLOSING_ONLY_REASON = 'The account is restricted to closing orders.';
export const OUTSIDE_HOURS_REASON = 'Option orders are accepted during market hours only.';

export interface CheckContext {
  readonly settings: Settings;
  readonly board: QuoteBoard;
  /** Every node of every order of an account. */
  ordersOf(book: AccountBook): readonly SimOrder[];
}

const ALWAYS_PENNY = new Set(['QQQ', 'SPY', 'IWM', 'XSP']);
const INDEX_ROOTS = new Set(['SPX', 'SPXW']);

function tickOf(root: string, px_e4: number, kind: 'limit' | 'stop' | 'net'): number {
  if (kind === 'net') return INDEX_ROOTS.has(root) ? 500 : 100;
  if (INDEX_ROOTS.has(root)) return px_e4 < 30_000 ? 500 : 1_000;
  // All series of these trade in cents, but Schwab has been seen to check stop orders as other penny classes.
  if (ALWAYS_PENNY.has(root) && kind === 'limit') return 100;
  return px_e4 < 30_000 ? 100 : 500;
}

function tickReason(spec: OrderSpec): string | null {
  const root = parseOsi(spec.legs[0]?.symbol ?? '')?.root;
  if (root === undefined || spec.legs[0]?.isOption !== true) return null;
  const kind = spec.legs.length > 1 ? 'net' : spec.type === 'LIMIT' ? 'limit' : 'stop';
  const prices = [spec.price_e4, spec.stop_e4].filter((each) => each !== null);
  if (prices.every((each) => each % tickOf(root, each, kind) === 0)) return null;
  return kind === 'net' && INDEX_ROOTS.has(root) ? SPREAD_TICK_REASON : TICK_REASON;
}

function timeReason(spec: OrderSpec, now: EasternUs, settings: Settings): string | null {
  if (!spec.legs.some((leg) => leg.isOption)) return null;
  if (spec.session !== 'NORMAL') return SESSION_REASON;
  for (const leg of spec.legs) {
    const expiration = parseOsi(leg.symbol)?.expiration;
    if (expiration === undefined) continue;
    const today = dateOf(now);
    const session = settings.hours === 'always' ? null : settings.hours.sessionOf(today);
    if (expiration < today || (expiration === today && session !== null && now >= session.close)) {
      return EXPIRED_REASON;
    }
  }
  return settings.outsideHours === 'reject' && !isOpen(settings.hours, now) ? OUTSIDE_HOURS_REASON : null;
}

function remainingOf(order: SimOrder, leg: OrderLeg): number {
  return (order.spec.qty - order.filledQty) * leg.ratio;
}

// What live orders may still close of a symbol. Children of an OCO close the same contracts, so only the greatest counts;
// children that wait for their parent do not count yet, and an order that is being canceled still does.
function committedToClose(
  context: CheckContext,
  book: AccountBook,
  leg: OrderLeg,
  except: SimOrder | null,
): number {
  const perGroup = new Map<number, number>();
  for (const order of context.ordersOf(book)) {
    const isSibling = except !== null && except.parent !== null && order.parent === except.parent;
    if (!isLive(order) || order.status === 'AWAITING_PARENT_ORDER' || order === except || isSibling) continue;
    const closing = order.spec.legs
      .filter((each) => each.symbol === leg.symbol && each.effect === 'close' && each.side === leg.side)
      .reduce((sum, each) => sum + remainingOf(order, each), 0);
    const group = order.parent?.spec.strategy === 'OCO' ? order.parent.id : order.id;
    perGroup.set(group, Math.max(perGroup.get(group) ?? 0, closing));
  }
  return [...perGroup.values()].reduce((sum, qty) => sum + qty, 0);
}

function positionReason(
  context: CheckContext,
  book: AccountBook,
  spec: OrderSpec,
  order: SimOrder | null,
): string | null {
  for (const leg of spec.legs) {
    const held = heldQty(book, leg.symbol);
    const closable = leg.side === 'buy' ? Math.max(0, -held) : Math.max(0, held);
    if (leg.effect === 'close') {
      const committed = committedToClose(context, book, leg, order);
      if (leg.ratio * spec.qty + committed > closable) return OVERSOLD_REASON;
    } else if (closable > 0 && leg.isOption) return OVERSOLD_REASON;
  }
  return null;
}

function wrongSideReason(spec: OrderSpec, board: QuoteBoard): string | null {
  const [leg] = spec.legs;
  if (spec.stop_e4 === null || leg === undefined) return null;
  const px_e4 = board.priceOf(leg);
  if (px_e4 === null) return null;
  const isThrough = leg.side === 'buy' ? px_e4 >= spec.stop_e4 : px_e4 <= spec.stop_e4;
  return isThrough ? WRONG_SIDE_REASON : null;
}

/** Cash that an order brings (positive) or takes if it fills at its limit, or at the market; without fees. */
export function valueAtLimit(spec: OrderSpec, board: QuoteBoard): number {
  const natural = spec.legs.reduce((sum, leg) => {
    const px_e4 = (board.priceOf(leg) ?? 0) * leg.ratio * (leg.isOption ? 100 : 1);
    return leg.side === 'sell' ? sum + px_e4 : sum - px_e4;
  }, 0);
  if (spec.price_e4 === null) return natural * spec.qty;
  const unit = spec.price_e4 * (spec.legs[0]?.isOption === true ? 100 : 1) * spec.qty;
  if (spec.legs.length > 1) return spec.type === 'NET_CREDIT' ? unit : -unit;
  return spec.legs[0]?.side === 'sell' ? unit * spec.legs[0].ratio : -unit * (spec.legs[0]?.ratio ?? 1);
}

interface Exposure {
  readonly spec: OrderSpec;
  /** Share of the order that may still fill. */
  readonly share: number;
}

/** Funds that are left once the order, and every opening order that is live, has filled; 1/10,000 dollar. */
export function fundsAfter(
  context: CheckContext,
  book: AccountBook,
  spec: OrderSpec | null,
  except: SimOrder | null,
): number {
  const { board, settings } = context;
  const exposures: Exposure[] = context
    .ordersOf(book)
    .filter((each) => isLive(each) && each !== except && isEntry(each.spec))
    .filter((each) => each.status !== 'AWAITING_PARENT_ORDER')
    .map((each) => ({ spec: each.spec, share: (each.spec.qty - each.filledQty) / each.spec.qty }));
  if (spec !== null) exposures.push({ spec, share: 1 });
  const positions = new Map(holdingsOf(book).map((holding) => [holding.symbol, holding.qty]));
  let cash = cashOf(book);
  for (const { spec: each, share } of exposures) {
    cash += share * valueAtLimit(each, board);
    for (const leg of each.legs) {
      const qty = share * each.qty * leg.ratio;
      positions.set(leg.symbol, (positions.get(leg.symbol) ?? 0) + (leg.side === 'buy' ? qty : -qty));
      if (leg.isOption) cash -= qty * settings.fees.commission_e4;
    }
  }
  return Math.round(availableFunds(cash, positions, board));
}

/**
 * The reason for which the order would be rejected now, or null. `order` is the node itself where it exists already: it does not
 * stand in its own way. Children of a TRIGGER are checked when their parent has filled.
 */
export function rejectReason(
  context: CheckContext,
  book: AccountBook,
  spec: OrderSpec,
  options: { readonly now: EasternUs; readonly order: SimOrder | null; readonly isChild?: boolean },
): string | null {
  if (spec.strategy === 'OCO') {
    const children = options.order?.children ?? [];
    const reasons = spec.children.map((child, i) =>
      rejectReason(context, book, child, { ...options, order: children[i] ?? null }),
    );
    return reasons.find((reason) => reason !== null) ?? null;
  }
  const { settings, board } = context;
  // Children that start on a part of their parent's quantity close what is there when they fill.
  const checksPosition = !(settings.triggersOnPartial && options.isChild === true);
  const checksSide = settings.rejectsWrongSideStops && options.isChild !== true;
  const isSpreadStop = spec.legs.length > 1 && spec.stop_e4 !== null;
  const found =
    (isSpreadStop ? SPREAD_STOP_REASON : null) ??
    tickReason(spec) ??
    timeReason(spec, options.now, settings) ??
    (checksPosition ? positionReason(context, book, spec, options.order) : null) ??
    (checksSide ? wrongSideReason(spec, board) : null);
  if (found !== null || !isEntry(spec)) return found;
  if (book.isClosingOnly) return CLOSING_ONLY_REASON;
  return fundsAfter(context, book, spec, options.order) < 0 ? FUNDS_REASON : null;
}
