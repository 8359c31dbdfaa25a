// The form of an order (reference A6): read into an OrderSpec, or refused with the plain 400 or the errors that Tradier sends.
import { parseScaled } from '../../core/decimal.ts';
import { parseOsi } from '../../core/osi_symbol.ts';
import type { OrderLeg, OrderSpec, OrderType } from '../venue/order.ts';
import { isOptionSymbol, underlyingOf } from '../venue/symbols.ts';
import { fromTradier, toTradier } from './symbols.ts';

export type ParsedForm =
  | {
      readonly kind: 'order';
      readonly spec: OrderSpec;
      readonly tag: string | null;
      readonly isPreview: boolean;
    }
  /** A 400 in plain text. */
  | { readonly kind: 'invalid'; readonly text: string }
  /** HTTP 200 and errors. */
  | { readonly kind: 'errors'; readonly texts: readonly string[] };

class Invalid extends Error {}
class Refused extends Error {}

const OPTION_SIDES = ['buy_to_open', 'buy_to_close', 'sell_to_open', 'sell_to_close'];
const EQUITY_SIDES = ['buy', 'sell', 'sell_short', 'buy_to_cover'];
const DURATIONS = ['day', 'gtc', 'pre', 'post'];
const TYPES: Readonly<Record<string, OrderType>> = {
  market: 'MARKET',
  limit: 'LIMIT',
  stop: 'STOP',
  stop_limit: 'STOP_LIMIT',
  credit: 'NET_CREDIT',
  debit: 'NET_DEBIT',
  even: 'NET_ZERO',
};
const SINGLE_TYPES = ['market', 'limit', 'stop', 'stop_limit'];

/** Fields of one leg or of one order of a bracket: with `[i]` behind them where there is an index. */
function reader(form: URLSearchParams, index: number | null): (name: string) => string {
  return (name) => form.get(index === null ? name : `${name}[${index}]`) ?? '';
}

function invalid(name: string, why = 'is required'): never {
  throw new Invalid(`Invalid parameter, ${name}: ${why}.`);
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value <= 0) throw new Refused('IncorrectOrderQuantity');
  return value;
}

function price(text: string, name: string, missing: string): number {
  if (text === '') throw new Refused(missing);
  const scaled = /^\d+(\.\d{1,4})?$/.test(text) ? parseScaled(text, 4) : null;
  if (scaled === null || scaled <= 0) return invalid(name, `${text} is not a price`);
  return scaled;
}

function legOf(get: (name: string) => string, isOption: boolean, units: number): OrderLeg {
  const text = isOption ? get('option_symbol') : get('symbol');
  const symbol = fromTradier(text);
  if (isOption && (!isOptionSymbol(symbol) || toTradier(symbol) !== text)) {
    throw new Refused(`SecurityUndefined: ${text}`);
  }
  const side = get('side');
  if (!(isOption ? OPTION_SIDES : EQUITY_SIDES).includes(side))
    return invalid('side', `${side} is not valid`);
  const isBuy = side.startsWith('buy');
  const closes = side.endsWith('_close') || side === 'sell' || side === 'buy_to_cover';
  return {
    ...{ symbol, isOption },
    instruction: side.toUpperCase(),
    side: isBuy ? 'buy' : 'sell',
    effect: closes ? 'close' : 'open',
    ratio: count(get('quantity')) / units,
  };
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

const PLAIN: Omit<OrderSpec, 'legs' | 'qty' | 'type' | 'duration'> = {
  strategy: 'SINGLE',
  session: 'NORMAL',
  complexStrategy: 'NONE',
  price_e4: null,
  stop_e4: null,
  stopType: 'STANDARD',
  isAllOrNone: false,
  children: [],
};

function single(get: (name: string) => string, duration: string, isOption: boolean): OrderSpec {
  const type = get('type');
  if (!SINGLE_TYPES.includes(type)) return invalid('type', `${type} is not valid`);
  if (type === 'market' && duration === 'GOOD_TILL_CANCEL') throw new Refused('MarketOrderIsGtc');
  const hasLimit = type === 'limit' || type === 'stop_limit';
  const hasStop = type === 'stop' || type === 'stop_limit';
  const qty = count(get('quantity'));
  const leg = legOf(get, isOption, qty);
  if (isOption && underlyingOf(parseOsi(leg.symbol)?.root ?? '') !== fromTradier(get('symbol'))) {
    throw new Refused('SecurityUndefined: the option is of another symbol');
  }
  return {
    ...PLAIN,
    duration,
    type: TYPES[type] ?? null,
    price_e4: hasLimit ? price(get('price'), 'price', 'LimitPriceUndefined') : null,
    stop_e4: hasStop ? price(get('stop'), 'stop', 'StopPriceUndefined') : null,
    legs: [leg],
    qty,
  };
}

function multileg(form: URLSearchParams, duration: string): OrderSpec {
  const type = form.get('type') ?? '';
  if (!['market', 'debit', 'credit', 'even'].includes(type)) return invalid('type', `${type} is not valid`);
  const readers = [0, 1, 2, 3].map((i) => reader(form, i)).filter((get) => get('option_symbol') !== '');
  if (readers.length < 2) return invalid('option_symbol[1]');
  const qty = readers.map((get) => count(get('quantity'))).reduce(divisor, 0);
  const legs = readers.map((get) => legOf(get, true, qty));
  const contracts = legs.map((leg) => parseOsi(leg.symbol));
  const isIndex = underlyingOf(contracts[0]?.root ?? '').startsWith('$');
  if (isIndex && new Set(contracts.map((each) => each?.expiration)).size > 1) {
    throw new Refused('IndexOptionsOneExparyDate');
  }
  const needsPrice = type === 'debit' || type === 'credit';
  const price_e4 = needsPrice ? price(form.get('price') ?? '', 'price', 'LimitPriceUndefined') : null;
  return {
    ...PLAIN,
    duration,
    type: TYPES[type] ?? null,
    complexStrategy: legs.length === 2 ? 'VERTICAL' : 'CUSTOM',
    ...{ price_e4, legs, qty },
  };
}

// Two or three single orders: one cancels the other, one triggers the other, or one triggers such a pair.
function bracket(form: URLSearchParams, kind: 'oco' | 'oto' | 'otoco', duration: string): OrderSpec {
  const orders = Array.from({ length: kind === 'otoco' ? 3 : 2 }, (_, i) => {
    const get = reader(form, i);
    return single(get, duration, get('option_symbol') !== '');
  });
  const pair = kind === 'oto' ? [] : orders.slice(-2);
  const [one, other] = pair;
  if (one !== undefined && other !== undefined) {
    if (one.type === other.type || one.legs[0]?.symbol !== other.legs[0]?.symbol) {
      throw new Refused('OcoOrdersMustDiffer');
    }
    if (one.type === 'MARKET' || other.type === 'MARKET') throw new Refused('OtoOcoMarketNotAllowed');
  }
  const oco: OrderSpec = {
    ...PLAIN,
    strategy: 'OCO',
    duration,
    type: null,
    legs: [],
    qty: 0,
    children: pair,
  };
  if (kind === 'oco') return oco;
  const [first] = orders;
  if (first === undefined || first.type === 'MARKET') throw new Refused('OtoFirstLesIsMarketNotAllowed');
  return { ...first, strategy: 'TRIGGER', children: kind === 'oto' ? orders.slice(1) : [oco] };
}

function specOf(form: URLSearchParams): OrderSpec {
  const duration = form.get('duration') ?? '';
  if (!DURATIONS.includes(duration)) return invalid('duration', `${duration} is not valid`);
  const kept = duration === 'gtc' ? 'GOOD_TILL_CANCEL' : 'DAY';
  const kind = form.get('class') ?? '';
  switch (kind) {
    case 'option':
    case 'equity':
      return single(reader(form, null), kept, kind === 'option');
    case 'multileg':
      return multileg(form, kept);
    case 'oco':
    case 'oto':
    case 'otoco':
      return bracket(form, kind, kept);
    default:
      return invalid('class', `${kind} is not valid`);
  }
}

/** Reads a form. Never throws. */
export function parseForm(body: string): ParsedForm {
  const form = new URLSearchParams(body);
  try {
    const tag = form.get('tag');
    // Measured: 256 characters, and _ . : / and blanks, are refused.
    if (tag !== null && !/^[A-Za-z0-9-]{1,255}$/.test(tag)) invalid('tag', 'contains invalid characters');
    return { kind: 'order', spec: specOf(form), tag, isPreview: form.get('preview') === 'true' };
  } catch (error) {
    if (error instanceof Invalid) return { kind: 'invalid', text: error.message };
    if (error instanceof Refused) return { kind: 'errors', texts: [error.message] };
    throw error;
  }
}

/** What PUT may change of an order: type, duration, price and stop. Throws nothing; see ParsedForm. */
export function changedSpec(spec: OrderSpec, body: string, left: number): ParsedForm {
  const form = new URLSearchParams(body);
  try {
    const type = form.get('type');
    const changed = type === null ? spec.type : (TYPES[type] ?? invalid('type', `${type} is not valid`));
    const px = form.get('price');
    const stop = form.get('stop');
    return {
      kind: 'order',
      tag: null,
      isPreview: false,
      spec: {
        ...spec,
        type: changed,
        qty: left,
        price_e4: px === null ? spec.price_e4 : price(px, 'price', 'LimitPriceUndefined'),
        stop_e4: stop === null ? spec.stop_e4 : price(stop, 'stop', 'StopPriceUndefined'),
      },
    };
  } catch (error) {
    if (error instanceof Invalid) return { kind: 'invalid', text: error.message };
    if (error instanceof Refused) return { kind: 'errors', texts: [error.message] };
    throw error;
  }
}
