// An order as Tradier's form (reference A6), and the tag that finds it again and tells its legs where reports leave them out.
import { formatScaled } from '../../../core/decimal.ts';
import { Failure } from '../../../core/failure.ts';
import { formatOsi, parseOsi, toOsi } from '../../../core/osi_symbol.ts';
import type { BrokerOrder, Effect, OrderLeg, Side } from '../broker.ts';

export type OrderForm = Readonly<Record<string, string>>;

// Roots that hang on another symbol; the field `symbol` of an order is that one.
const UNDERLYINGS: Readonly<Record<string, string>> = { SPXW: 'SPX', NDXP: 'NDX', RUTW: 'RUT', VIXW: 'VIX' };
const MAX_LEGS = 4;
const MAX_TAG = 255;
const CENT_E4 = 100;
const LEGS_MARK = '--';

/** Tradier's spelling of an option: unpadded. */
export function toTradierSymbol(symbol: string): string {
  const contract = parseOsi(symbol);
  if (contract === null) throw new Failure(`${JSON.stringify(symbol)} is no option symbol`);
  return formatOsi(contract).replaceAll(' ', '');
}

export function underlyingOf(symbol: string): string {
  const root = parseOsi(symbol)?.root ?? symbol;
  return UNDERLYINGS[root] ?? root;
}

/** The form of an order. Throws a Failure on an order that Tradier would not take or would take for another one. */
export function orderForm(order: BrokerOrder, clientId: string | null): OrderForm {
  assertOrder(order);
  const [first] = order.legs as readonly [OrderLeg, ...OrderLeg[]];
  const tag = clientId === null ? {} : { tag: tagOf(clientId, order) };
  const common = { symbol: underlyingOf(first.symbol), duration: 'day', ...tag };
  if (order.legs.length > 1) {
    const legs = order.legs.map((leg, i) => [
      [`option_symbol[${i}]`, toTradierSymbol(leg.symbol)],
      [`side[${i}]`, sideOf(leg)],
      [`quantity[${i}]`, String(leg.ratio * order.qty)],
    ]);
    return { class: 'multileg', ...common, ...netPrice(order), ...Object.fromEntries(legs.flat()) };
  }
  return {
    class: 'option',
    ...common,
    option_symbol: toTradierSymbol(first.symbol),
    side: sideOf(first),
    quantity: String(first.ratio * order.qty),
    ...singlePrice(order),
  };
}

export function sideOf(leg: { readonly side: Side; readonly effect: Effect }): string {
  return `${leg.side}_to_${leg.effect}`;
}

/** Side and effect of one of Tradier's sides; null for another word. Shares have no effect in theirs. */
export function sideParts(text: string): readonly [Side, Effect] | null {
  const match = /^(buy|sell)(?:_to_(open|close|cover)|_(short))?$/.exec(text);
  if (match === null) return null;
  const [, side, effect] = match;
  const closes = effect === 'close' || effect === 'cover' || text === 'sell';
  return [side as Side, closes ? 'close' : 'open'];
}

function netPrice(order: BrokerOrder): OrderForm {
  if (order.type === 'market') return { type: 'market' };
  return { type: order.isCredit ? 'credit' : 'debit', price: priceText(order.limit_px_e4, 'limit price') };
}

function singlePrice(order: BrokerOrder): OrderForm {
  if (order.type === 'market') return { type: 'market' };
  if (order.type === 'stop') return { type: 'stop', stop: priceText(order.stop_px_e4, 'stop price') };
  return { type: 'limit', price: priceText(order.limit_px_e4, 'limit price') };
}

function priceText(price_e4: number | null, what: string): string {
  if (price_e4 === null || !Number.isSafeInteger(price_e4) || price_e4 <= 0) {
    throw new Failure(`the ${what} must be above zero, in whole 1/10,000 dollars`);
  }
  // Rounding would make it another order than the one that was decided and is looked for.
  if (price_e4 % CENT_E4 !== 0) {
    throw new Failure(`the ${what} ${formatScaled(price_e4, 4, 2)} is no whole number of cents`);
  }
  return formatScaled(price_e4, 4, 2);
}

function assertOrder({ legs, qty, type }: BrokerOrder): void {
  if (legs.length === 0 || legs.length > MAX_LEGS) throw new Failure(`Tradier takes 1 to ${MAX_LEGS} legs`);
  if (!isCount(qty)) throw new Failure('the quantity must be a whole number above zero');
  for (const { symbol, ratio } of legs) {
    if (!isCount(ratio)) throw new Failure('the ratio of a leg must be a whole number above zero');
    if (parseOsi(symbol) === null) throw new Failure(`${JSON.stringify(symbol)} is no option symbol`);
  }
  if (new Set(legs.map((leg) => leg.symbol)).size < legs.length) {
    throw new Failure('two legs of the order are the same contract');
  }
  if (new Set(legs.map((leg) => underlyingOf(leg.symbol))).size > 1) {
    throw new Failure('the legs of the order are of different underlyings');
  }
  if (type === 'stop' && legs.length > 1) throw new Failure('Tradier takes no stop on a spread');
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/**
 * The tag of an order: the client id, and behind it the legs of a spread, because the sandbox has been seen to leave them out of
 * reports. Throws a Failure on a client id that a tag cannot hold.
 */
export function tagOf(clientId: string, order: BrokerOrder): string {
  if (!/^[A-Za-z0-9-]{1,255}$/.test(clientId) || clientId.includes(LEGS_MARK)) {
    throw new Failure(
      `${JSON.stringify(clientId)} cannot be a tag of Tradier's: letters, digits and single hyphens only`,
    );
  }
  if (order.legs.length === 1) return clientId;
  const legs = order.legs.map(
    (leg) => `${leg.side[0]}${leg.effect[0]}${leg.ratio}${toTradierSymbol(leg.symbol)}`,
  );
  const tag = `${clientId}${LEGS_MARK}${legs.join('-')}`;
  return tag.length <= MAX_TAG && /^[A-Za-z0-9-]+$/.test(tag) ? tag : clientId;
}

/** Client id and legs of a tag; no legs where it tells none. */
export function tagParts(tag: string): { readonly clientId: string; readonly legs: readonly OrderLeg[] } {
  const [clientId = tag, code = ''] = tag.split(LEGS_MARK);
  const legs = code.split('-').map((text): OrderLeg | null => {
    const match = /^([bs])([oc])(\d+?)([A-Z]+\d{6}[CP]\d{8})$/.exec(text);
    const symbol = toOsi(match?.[4] ?? '');
    if (match === null || symbol === null) return null;
    const [, side, effect, ratio] = match;
    return {
      symbol,
      side: side === 'b' ? 'buy' : 'sell',
      effect: effect === 'o' ? 'open' : 'close',
      ratio: Number(ratio),
    };
  });
  const isWhole = code !== '' && legs.every((leg) => leg !== null);
  return { clientId, legs: isWhole ? (legs as OrderLeg[]) : [] };
}
