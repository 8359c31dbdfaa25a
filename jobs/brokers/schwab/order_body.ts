// An order as Schwab wants it: prices as decimal text, and no field that only answers have.
import { formatScaled } from '../../../core/decimal.ts';
import { Failure } from '../../../core/failure.ts';
import { parseOsi } from '../../../core/osi_symbol.ts';
import type { BrokerOrder, Effect, OrderLeg, Side } from '../broker.ts';

/** Price steps in 1/10,000 dollar. */
export interface TickRule {
  /** Of limit and net prices; default 100 (QQQ, SPY and IWM options trade in cents at every price). */
  readonly limit_tick_e4: number;
  /** Schwab may check stops by the rule of other classes: from this price on ... default 30,000 (3.00 dollars). */
  readonly wide_stop_from_e4: number;
  /** ... in steps of this; default 500. */
  readonly wide_stop_tick_e4: number;
}

export const DEFAULT_TICKS: TickRule = {
  limit_tick_e4: 100,
  wide_stop_from_e4: 30_000,
  wide_stop_tick_e4: 500,
};

export interface OrderBody {
  readonly session: 'NORMAL';
  readonly duration: 'DAY';
  readonly orderType: 'LIMIT' | 'MARKET' | 'STOP' | 'NET_CREDIT' | 'NET_DEBIT';
  readonly price?: string;
  readonly stopPrice?: string;
  readonly orderStrategyType: 'SINGLE';
  readonly complexOrderStrategyType: 'NONE' | 'VERTICAL' | 'CUSTOM';
  readonly orderLegCollection: readonly {
    readonly instruction: string;
    readonly quantity: number;
    readonly instrument: { readonly symbol: string; readonly assetType: 'OPTION' };
  }[];
}

const MAX_LEGS = 4;

/** The JSON body of an order. Throws a Failure on an order that Schwab would not take or would take for another one. */
export function orderBody(order: BrokerOrder, ticks: TickRule): OrderBody {
  assertOrder(order);
  const sent = asSchwabCarries(order, ticks);
  return {
    session: 'NORMAL',
    duration: 'DAY',
    ...pricing(sent, ticks),
    orderStrategyType: 'SINGLE',
    complexOrderStrategyType: structureOf(order.legs),
    orderLegCollection: order.legs.map((leg) => ({
      instruction: instructionOf(leg),
      quantity: leg.ratio * order.qty,
      instrument: { symbol: leg.symbol, assetType: 'OPTION' },
    })),
  };
}

/**
 * The order with its stop where Schwab takes it: a price of 3 dollars and more is moved to the next 5 cents on the side where it
 * triggers earlier. All other prices stay.
 */
export function asSchwabCarries(order: BrokerOrder, ticks: TickRule): BrokerOrder {
  const { stop_px_e4, legs } = order;
  if (order.type !== 'stop' || stop_px_e4 === null || legs[0] === undefined) return order;
  const { wide_stop_from_e4, wide_stop_tick_e4, limit_tick_e4 } = ticks;
  const tick = stop_px_e4 >= wide_stop_from_e4 ? wide_stop_tick_e4 : limit_tick_e4;
  // A buy stop guards a short position against a rise: lower is earlier.
  const steps = legs[0].side === 'buy' ? Math.floor(stop_px_e4 / tick) : Math.ceil(stop_px_e4 / tick);
  return { ...order, stop_px_e4: Math.max(1, steps) * tick };
}

/** One of the four instructions that options have. */
export function instructionOf(leg: { readonly side: Side; readonly effect: Effect }): string {
  return `${leg.side === 'buy' ? 'BUY' : 'SELL'}_TO_${leg.effect === 'open' ? 'OPEN' : 'CLOSE'}`;
}

function pricing(order: BrokerOrder, ticks: TickRule): Pick<OrderBody, 'orderType' | 'price' | 'stopPrice'> {
  if (order.type === 'market') return { orderType: 'MARKET' };
  if (order.type === 'stop')
    return { orderType: 'STOP', stopPrice: priceText(order.stop_px_e4, 'stop price') };
  const price = priceText(order.limit_px_e4, 'limit price');
  // Rounding would make it another order than the one that was decided and is looked for.
  if ((order.limit_px_e4 ?? 0) % ticks.limit_tick_e4 !== 0) {
    throw new Failure(
      `the limit price ${price} is no whole step of ${formatScaled(ticks.limit_tick_e4, 4, 2)}`,
    );
  }
  if (order.legs.length === 1) return { orderType: 'LIMIT', price };
  return { orderType: order.isCredit ? 'NET_CREDIT' : 'NET_DEBIT', price };
}

function priceText(price_e4: number | null, what: string): string {
  if (price_e4 !== null && Number.isSafeInteger(price_e4) && price_e4 > 0) {
    return formatScaled(price_e4, 4, 2);
  }
  throw new Failure(`the ${what} must be above zero, in whole 1/10,000 dollars`);
}

function assertOrder(order: BrokerOrder): void {
  const { legs, qty, type } = order;
  if (legs.length === 0 || legs.length > MAX_LEGS) throw new Failure(`Schwab takes 1 to ${MAX_LEGS} legs`);
  if (!isCount(qty)) throw new Failure('the quantity must be a whole number above zero');
  for (const { symbol, ratio } of legs) {
    if (!isCount(ratio)) throw new Failure('the ratio of a leg must be a whole number above zero');
    if (parseOsi(symbol) === null) throw new Failure(`${JSON.stringify(symbol)} is no option symbol`);
  }
  if (new Set(legs.map((leg) => leg.symbol)).size < legs.length) {
    throw new Failure('two legs of the order are the same contract');
  }
  if (type === 'stop' && legs.length > 1) throw new Failure('Schwab takes no stop on a spread');
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** VERTICAL where it is one: two strikes of one kind and expiration, one bought and one sold. */
function structureOf(legs: readonly OrderLeg[]): OrderBody['complexOrderStrategyType'] {
  const [first, second] = legs;
  if (second === undefined || first === undefined) return 'NONE';
  const a = parseOsi(first.symbol);
  const b = parseOsi(second.symbol);
  const isVertical =
    legs.length === 2 &&
    a !== null &&
    b !== null &&
    a.root === b.root &&
    a.expiration === b.expiration &&
    a.option_kind === b.option_kind &&
    first.side !== second.side &&
    first.ratio === second.ratio;
  return isVertical ? 'VERTICAL' : 'CUSTOM';
}
