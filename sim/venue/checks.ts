// Why a broker rejects an order that it has taken: a status, and words of its own.
import { dateOf, type EasternUs } from '../../core/eastern_time.ts';
import { parseOsi } from '../../core/osi_symbol.ts';
import { type AccountBook, cashOf, heldQty, holdingsOf } from './account_book.ts';
import { isOpen } from './hours.ts';
import { availableFunds } from './margin.ts';
import { isEntry, isLive, type OrderLeg, type OrderSpec, type SimOrder } from './order.ts';
import type { QuoteBoard } from './quote_board.ts';
import type { RejectCause, VenueSettings } from './settings.ts';

export interface CheckContext {
  readonly settings: VenueSettings;
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

function tickCause(spec: OrderSpec): RejectCause | null {
  const root = parseOsi(spec.legs[0]?.symbol ?? '')?.root;
  if (root === undefined || spec.legs[0]?.isOption !== true) return null;
  const kind = spec.legs.length > 1 ? 'net' : spec.type === 'LIMIT' ? 'limit' : 'stop';
  const prices = [spec.price_e4, spec.stop_e4].filter((each) => each !== null);
  if (prices.every((each) => each % tickOf(root, each, kind) === 0)) return null;
  return kind === 'net' && INDEX_ROOTS.has(root) ? 'spread_tick' : 'tick';
}

function timeCause(spec: OrderSpec, now: EasternUs, settings: VenueSettings): RejectCause | null {
  if (!spec.legs.some((leg) => leg.isOption)) return null;
  if (spec.session !== 'NORMAL') return 'session';
  for (const leg of spec.legs) {
    const expiration = parseOsi(leg.symbol)?.expiration;
    if (expiration === undefined) continue;
    const today = dateOf(now);
    const session = settings.hours === 'always' ? null : settings.hours.sessionOf(today);
    if (expiration < today || (expiration === today && session !== null && now >= session.close)) {
      return 'expired';
    }
  }
  return settings.outsideHours === 'reject' && !isOpen(settings.hours, now) ? 'outside_hours' : null;
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

function positionCause(
  context: CheckContext,
  book: AccountBook,
  spec: OrderSpec,
  order: SimOrder | null,
): RejectCause | null {
  for (const leg of spec.legs) {
    const held = heldQty(book, leg.symbol);
    const closable = leg.side === 'buy' ? Math.max(0, -held) : Math.max(0, held);
    if (leg.effect === 'close') {
      const committed = committedToClose(context, book, leg, order);
      if (leg.ratio * spec.qty + committed > closable) return 'oversold';
    } else if (closable > 0 && leg.isOption) return 'oversold';
  }
  return null;
}

function wrongSideCause(spec: OrderSpec, board: QuoteBoard): RejectCause | null {
  const [leg] = spec.legs;
  if (spec.stop_e4 === null || leg === undefined) return null;
  const px_e4 = board.priceOf(leg);
  if (px_e4 === null) return null;
  const isThrough = leg.side === 'buy' ? px_e4 >= spec.stop_e4 : px_e4 <= spec.stop_e4;
  return isThrough ? 'wrong_side' : null;
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

interface CheckOptions {
  readonly now: EasternUs;
  readonly order: SimOrder | null;
  readonly isChild?: boolean;
}

/**
 * The reason for which the order would be rejected now in the broker's words, or null. `order` is the node itself where it exists already: it does not
 * stand in its own way. Children of a TRIGGER are checked when their parent has filled.
 */
export function rejectReason(
  context: CheckContext,
  book: AccountBook,
  spec: OrderSpec,
  options: CheckOptions,
): string | null {
  const cause = rejectCause(context, book, spec, options);
  return cause === null ? null : context.settings.words[cause];
}

function rejectCause(
  context: CheckContext,
  book: AccountBook,
  spec: OrderSpec,
  options: CheckOptions,
): RejectCause | null {
  if (spec.strategy === 'OCO') {
    const children = options.order?.children ?? [];
    const causes = spec.children.map((child, i) =>
      rejectCause(context, book, child, { ...options, order: children[i] ?? null }),
    );
    return causes.find((cause) => cause !== null) ?? null;
  }
  const { settings, board } = context;
  // Children that start on a part of their parent's quantity close what is there when they fill.
  const checksPosition = !(settings.triggersOnPartial && options.isChild === true);
  const checksSide = settings.rejectsWrongSideStops && options.isChild !== true;
  const isSpreadStop = spec.legs.length > 1 && spec.stop_e4 !== null;
  const found =
    (isSpreadStop ? 'spread_stop' : null) ??
    tickCause(spec) ??
    timeCause(spec, options.now, settings) ??
    (checksPosition ? positionCause(context, book, spec, options.order) : null) ??
    (checksSide ? wrongSideCause(spec, board) : null);
  if (found !== null || !isEntry(spec)) return found;
  if (book.isClosingOnly) return 'closing_only';
  return fundsAfter(context, book, spec, options.order) < 0 ? 'funds' : null;
}
