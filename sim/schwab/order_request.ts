// An order body as a client may send it (reference B2.3, B2.4), read into an OrderSpec or refused with Schwab's 400.
import { z } from 'zod';
import { parseScaled } from '../../core/decimal.ts';
import { formatOsi, parseOsi } from '../../core/osi_symbol.ts';
import type { OrderLeg, OrderSpec, OrderType } from '../venue/order.ts';

export type ParsedOrder =
  | { readonly ok: true; readonly spec: OrderSpec }
  | { readonly ok: false; readonly errors: readonly string[] };

const OPTION_INSTRUCTIONS = ['BUY_TO_OPEN', 'BUY_TO_CLOSE', 'SELL_TO_OPEN', 'SELL_TO_CLOSE'];
const EQUITY_INSTRUCTIONS = ['BUY', 'SELL', 'SELL_SHORT', 'BUY_TO_COVER'];
const SIMULATED_TYPES = ['MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT', 'NET_CREDIT', 'NET_DEBIT', 'NET_ZERO'];
const TYPES = [
  ...SIMULATED_TYPES,
  ...['TRAILING_STOP', 'CABINET', 'NON_MARKETABLE', 'MARKET_ON_CLOSE', 'EXERCISE', 'TRAILING_STOP_LIMIT'],
  'LIMIT_ON_CLOSE',
] as const;
const COMPLEX =
  'NONE COVERED VERTICAL BACK_RATIO CALENDAR DIAGONAL STRADDLE STRANGLE COLLAR_SYNTHETIC BUTTERFLY CONDOR IRON_CONDOR ' +
  'VERTICAL_ROLL COLLAR_WITH_STOCK DOUBLE_DIAGONAL UNBALANCED_BUTTERFLY UNBALANCED_CONDOR UNBALANCED_IRON_CONDOR ' +
  'UNBALANCED_VERTICAL_ROLL MUTUAL_FUND_SWAP CUSTOM';
const DURATIONS =
  'DAY GOOD_TILL_CANCEL FILL_OR_KILL IMMEDIATE_OR_CANCEL END_OF_WEEK END_OF_MONTH NEXT_END_OF_MONTH';
const DESTINATIONS = 'INET ECN_ARCA CBOE AMEX PHLX ISE BOX NYSE NASDAQ BATS C2 AUTO';

// A price above zero in at most four decimals, as a text (as documented) or a number; in 1/10,000 dollar.
const price = z.union([z.string(), z.number()]).transform((value, context) => {
  const text = String(value);
  const scaled = /^\d+(\.\d{1,4})?$/.test(text) ? parseScaled(text, 4) : null;
  if (scaled === null) context.addIssue({ code: 'custom', message: 'must be a decimal number' });
  return scaled ?? 0;
});
const quantity = z.number().int().positive();

// Strict objects: a field that only answers carry (orderId, status, tag, enteredTime, ...) is an error, as is a misspelt one.
const legSchema = z.strictObject({
  orderLegType: z.enum(['EQUITY', 'OPTION', 'COLLECTIVE_INVESTMENT']).optional(),
  instruction: z.enum([...OPTION_INSTRUCTIONS, ...EQUITY_INSTRUCTIONS] as [string, ...string[]]),
  positionEffect: z.enum(['OPENING', 'CLOSING', 'AUTOMATIC']).optional(),
  quantity,
  quantityType: z.enum(['SHARES', 'DOLLARS', 'ALL_SHARES']).optional(),
  instrument: z.strictObject({
    symbol: z.string().min(1),
    assetType: z.enum(['EQUITY', 'OPTION', 'COLLECTIVE_INVESTMENT']),
  }),
});

const words = (text: string): [string, ...string[]] => text.split(' ') as [string, ...string[]];

const nodeFields = {
  session: z.enum(['NORMAL', 'AM', 'PM', 'SEAMLESS']).optional(),
  duration: z.enum(words(DURATIONS)).optional(),
  orderType: z.enum(TYPES).optional(),
  complexOrderStrategyType: z.enum(words(COMPLEX)).optional(),
  quantity: quantity.optional(),
  requestedDestination: z.enum(words(DESTINATIONS)).optional(),
  destinationLinkName: z.string().optional(),
  price: price.optional(),
  stopPrice: price.optional(),
  stopType: z.enum(['STANDARD', 'BID', 'ASK', 'LAST', 'MARK']).optional(),
  taxLotMethod: z.string().optional(),
  cancelTime: z.string().optional(),
  specialInstruction: z.enum(['ALL_OR_NONE', 'DO_NOT_REDUCE', 'ALL_OR_NONE_DO_NOT_REDUCE']).optional(),
  orderStrategyType: z.enum(['SINGLE', 'OCO', 'TRIGGER']),
  orderLegCollection: z.array(legSchema).min(1).max(8).optional(),
};
const flatSchema = z.strictObject(nodeFields);
interface Node extends z.output<typeof flatSchema> {
  readonly childOrderStrategies?: readonly Node[] | undefined;
}
const nodeSchema: z.ZodType<Node> = z.strictObject({
  ...nodeFields,
  childOrderStrategies: z.lazy(() => z.array(nodeSchema).min(1).max(4)).optional(),
});
type Leg = z.infer<typeof legSchema>;

function issueText(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function isOptionLeg(leg: Leg): boolean {
  return leg.instrument.assetType === 'OPTION';
}

function legErrors(leg: Leg): string[] {
  const { symbol } = leg.instrument;
  const errors: string[] = [];
  const allowed = isOptionLeg(leg) ? OPTION_INSTRUCTIONS : EQUITY_INSTRUCTIONS;
  if (!allowed.includes(leg.instruction)) {
    errors.push(`instruction ${leg.instruction} is not valid for asset type ${leg.instrument.assetType}`);
  }
  const contract = parseOsi(symbol);
  if (isOptionLeg(leg) && (contract === null || formatOsi(contract) !== symbol)) {
    errors.push(`${symbol} is not an option symbol of 21 characters`);
  }
  if (!isOptionLeg(leg) && !/^[A-Z][A-Z.]{0,5}$/.test(symbol)) errors.push(`unknown symbol ${symbol}`);
  return errors;
}

function priceErrors(node: Node, legs: readonly Leg[]): string[] {
  const type = node.orderType;
  const needsPrice =
    type === 'LIMIT' || type === 'STOP_LIMIT' || type === 'NET_CREDIT' || type === 'NET_DEBIT';
  const needsStop = type === 'STOP' || type === 'STOP_LIMIT';
  const isNet = type?.startsWith('NET_') === true;
  const errors: string[] = [];
  if (needsPrice && (node.price ?? 0) === 0) errors.push(`price is required for ${type}`);
  if (!needsPrice && type !== 'NET_ZERO' && node.price !== undefined) {
    errors.push(`price is not allowed for ${type}`);
  }
  if (needsStop && (node.stopPrice ?? 0) === 0) errors.push(`stopPrice is required for ${type}`);
  if (!needsStop && node.stopPrice !== undefined) errors.push(`stopPrice is not allowed for ${type}`);
  if (isNet && legs.length < 2) errors.push(`${type} needs two legs or more`);
  if (!isNet && type !== 'MARKET' && legs.length > 1) errors.push(`${type} takes one leg`);
  return errors;
}

function nodeErrors(node: Node): string[] {
  const legs = node.orderLegCollection ?? [];
  const children = node.childOrderStrategies ?? [];
  const below = children.flatMap(nodeErrors);
  if (node.orderStrategyType === 'OCO') {
    const errors: string[] = [];
    if (children.length < 2) errors.push('OCO needs two childOrderStrategies');
    if (legs.length > 0 || node.orderType !== undefined) errors.push('OCO takes neither legs nor orderType');
    return [...errors, ...below];
  }
  const errors = [...legs.flatMap(legErrors), ...priceErrors(node, legs)];
  if (legs.length === 0) errors.push('orderLegCollection is required');
  for (const name of ['orderType', 'session', 'duration'] as const) {
    if (node[name] === undefined) errors.push(`${name} is required`);
  }
  if (node.orderType !== undefined && !SIMULATED_TYPES.includes(node.orderType)) {
    errors.push(`orderType ${node.orderType} is not simulated`);
  }
  if ((node.orderStrategyType === 'TRIGGER') !== children.length > 0) {
    errors.push('childOrderStrategies go with TRIGGER and OCO only');
  }
  return [...errors, ...below];
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function toLeg(leg: Leg, units: number): OrderLeg {
  const { instruction } = leg;
  const closes =
    instruction.endsWith('_TO_CLOSE') || instruction === 'SELL' || instruction === 'BUY_TO_COVER';
  return {
    symbol: leg.instrument.symbol,
    isOption: isOptionLeg(leg),
    instruction,
    side: instruction.startsWith('BUY') ? 'buy' : 'sell',
    effect: closes ? 'close' : 'open',
    ratio: leg.quantity / units,
  };
}

function toSpec(node: Node): OrderSpec {
  const legs = node.orderLegCollection ?? [];
  const units = legs.map((leg) => leg.quantity).reduce(greatestCommonDivisor, 0);
  return {
    strategy: node.orderStrategyType,
    session: node.session ?? 'NORMAL',
    duration: node.duration ?? 'DAY',
    type: (node.orderType ?? null) as OrderType | null,
    // Schwab infers it where it is left out; of the simulator's orders two option legs are verticals.
    complexStrategy:
      node.complexOrderStrategyType ?? (legs.length < 2 ? 'NONE' : legs.length === 2 ? 'VERTICAL' : 'CUSTOM'),
    price_e4: node.price ?? null,
    stop_e4: node.stopPrice ?? null,
    stopType: node.stopType ?? 'STANDARD',
    isAllOrNone: node.specialInstruction?.startsWith('ALL_OR_NONE') === true,
    legs: legs.map((leg) => toLeg(leg, units)),
    qty: units,
    children: (node.childOrderStrategies ?? []).map(toSpec),
  };
}

/** Reads a parsed JSON body. Never throws: what is wrong comes back as the errors of a 400. */
export function parseOrder(body: unknown): ParsedOrder {
  const parsed = nodeSchema.safeParse(body);
  if (!parsed.success) return { ok: false, errors: parsed.error.issues.map(issueText) };
  const errors = nodeErrors(parsed.data);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, spec: toSpec(parsed.data) };
}
