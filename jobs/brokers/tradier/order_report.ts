// Tradier's order as a report: fills by leg, a parent only where there are no legs, and a state that we do not know is never an end.
import { scaleNumber } from '../../../core/decimal.ts';
import { type EasternUs, easternFromEpochMs } from '../../../core/eastern_time.ts';
import { Failure } from '../../../core/failure.ts';
import { toOsi } from '../../../core/osi_symbol.ts';
import type { BrokerOrder, OrderLeg, OrderReport, VenueState } from '../broker.ts';
import type { FillBook, LegTotals } from './fill_book.ts';
import { sideParts, tagParts } from './order_form.ts';
import type { WireLeg, WireOrder } from './wire.ts';

const STATES: Readonly<Record<string, VenueState>> = {
  open: 'working',
  partially_filled: 'working',
  pending: 'working',
  held: 'working',
  submitted: 'working',
  accepted_for_bidding: 'working',
  calculated: 'working',
  filled: 'filled',
  canceled: 'canceled',
  expired: 'expired',
  rejected: 'rejected',
  error: 'rejected',
};

/** The orders of one node: of a bracket its children, for the parent trades nothing itself. */
export function orderNodes(root: WireOrder): readonly WireOrder[] {
  const isBracket = ['oco', 'oto', 'otoco'].includes(root.class ?? '');
  // The id of a child is an order's of its own; its tag is the parent's.
  return isBracket ? root.leg.map((leg) => ({ ...leg, leg: [], tag: leg.tag ?? root.tag })) : [root];
}

interface Read {
  readonly legs: readonly OrderLeg[];
  readonly qty: number;
  readonly totals: readonly LegTotals[];
  /** Filled contracts cannot be told by leg. */
  readonly isOpaque: boolean;
}

/** The report of one order. Throws a Failure on an order whose time, legs or fills cannot be read. */
export async function orderReport(wire: WireOrder, book: FillBook): Promise<OrderReport> {
  const enteredAt = timeOf(wire.create_date) ?? fail(wire, 'without the time at which it was entered');
  const tag = wire.tag === undefined || wire.tag === null || wire.tag === '' ? null : tagParts(wire.tag);
  const read = readLegs(wire, tag?.legs ?? []);
  const ts = timeOf(wire.transaction_date ?? '') ?? enteredAt;
  const fills = await book.fills(wire.id, read.totals, ts);
  const filledQty = filledUnits(read);
  const told = Object.hasOwn(STATES, wire.status) ? (STATES[wire.status] as VenueState) : 'unknown';
  const problem = problemOf(told, read, filledQty);
  return {
    venueOrderId: wire.id,
    // Ended, but its fills cannot be told yet: to be read again.
    state: problem === null ? told : 'unknown',
    order: { legs: read.legs, qty: read.qty, ...pricesOf(wire, read.legs) },
    filledQty,
    enteredAt,
    detail: wire.reason_description ?? (problem === null ? null : `${wire.status}, ${problem}`),
    clientId: tag?.clientId ?? null,
    fills,
  };
}

function fail(wire: { readonly id: string }, what: string): never {
  throw new Failure(`Tradier's order ${wire.id} is ${what}`, {
    hint: 'Look at it on Tradier’s own page: strikebase cannot say what became of it.',
  });
}

function timeOf(text: string): EasternUs | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : easternFromEpochMs(ms);
}

function problemOf(state: VenueState, read: Read, filledQty: number): string | null {
  if (state === 'working' || state === 'unknown') return null;
  if (read.isOpaque) return 'with fills whose legs are not shown';
  if (state === 'filled' && filledQty !== read.qty) return 'with fills that are missing';
  const isEven = read.totals.every((leg, i) => leg.qty === filledQty * (read.legs[i]?.ratio ?? 1));
  return isEven ? null : 'with legs that have filled unevenly';
}

function filledUnits({ legs, totals, qty }: Read): number {
  const units = totals.map((leg, i) => Math.floor(leg.qty / (legs[i]?.ratio ?? 1)));
  return Math.min(qty, ...units);
}

function readLegs(wire: WireOrder, tagged: readonly OrderLeg[]): Read {
  if (wire.class !== 'multileg' && wire.class !== 'combo') {
    const leg = legOf(wire, wire.quantity);
    return { legs: [leg], qty: wire.quantity, totals: [totalsOf(wire, 1)], isOpaque: false };
  }
  if (wire.leg.length === 0) return withoutLegs(wire, tagged);
  const qty = unitsOf(wire);
  const told = inSequence(wire.leg, tagged);
  return {
    qty,
    legs: told.map((leg) => legOf(leg, qty)),
    totals: told.map((leg, i) => totalsOf(leg, i + 1)),
    isOpaque: false,
  };
}

// Fills are numbered by leg: as the order was sent, where its tag tells, in whatever sequence they come.
function inSequence(legs: readonly WireLeg[], tagged: readonly OrderLeg[]): readonly WireLeg[] {
  const place = (leg: WireLeg): number =>
    tagged.findIndex(({ symbol }) => symbol === toOsi(leg.option_symbol ?? ''));
  return [...legs].sort((a, b) => place(a) - place(b));
}

// `quantity` of a parent counts units; a leg of a ratio spread has a multiple of it.
function unitsOf(wire: WireOrder): number {
  const quantities = wire.leg.map((leg) => leg.quantity);
  const { quantity } = wire;
  if (quantity > 0 && quantities.every((each) => each % quantity === 0)) return quantity;
  return quantities.reduce(commonDivisor);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function legOf(
  wire: Pick<WireLeg, 'id' | 'option_symbol' | 'symbol' | 'side' | 'quantity'>,
  units: number,
): OrderLeg {
  const [side, effect] = sideParts(wire.side ?? '') ?? fail(wire, `one with the side ${wire.side}`);
  const symbol = wire.option_symbol ?? wire.symbol ?? '';
  // Shares have a ticker, and orders for them can be seen although we send none.
  return { symbol: toOsi(symbol) ?? symbol, side, effect, ratio: wire.quantity / units };
}

function totalsOf(wire: WireLeg | WireOrder, legNo: number): LegTotals {
  const qty = wire.exec_quantity ?? 0;
  const lastQty = wire.last_fill_quantity ?? 0;
  const lastPx = wire.last_fill_price;
  return {
    legNo,
    qty,
    avgPx: Math.abs(wire.avg_fill_price ?? 0),
    last: lastQty > 0 && typeof lastPx === 'number' ? { qty: lastQty, px: Math.abs(lastPx) } : null,
  };
}

/**
 * The sandbox has been seen to leave the legs out. They are then those of the tag, and a complete fill is booked with the net
 * price on the first leg of its direction: money is right, the legs' own prices are not known. What has filled in part cannot
 * be told: the parent counts contracts of all legs, or units.
 */
function withoutLegs(wire: WireOrder, tagged: readonly OrderLeg[]): Read {
  if (tagged.length === 0) return fail(wire, 'one whose legs are not shown');
  const qty = wire.quantity;
  const net = wire.avg_fill_price ?? 0;
  const payer = tagged.findIndex((leg) => leg.side === (net < 0 ? 'sell' : 'buy'));
  const isFilled = wire.status === 'filled';
  const totals = tagged.map((leg, i) => ({
    legNo: i + 1,
    qty: isFilled ? qty * leg.ratio : 0,
    avgPx: i === payer ? Math.abs(net) / leg.ratio : 0,
    last: null,
  }));
  return { legs: tagged, qty, totals, isOpaque: !isFilled && (wire.exec_quantity ?? 0) > 0 };
}

function pricesOf(
  wire: WireOrder,
  legs: readonly OrderLeg[],
): Pick<BrokerOrder, 'type' | 'isCredit' | 'limit_px_e4' | 'stop_px_e4'> {
  const { type: kind = 'unknown' } = wire;
  const isCredit = legs.length === 1 ? legs[0]?.side === 'sell' : kind === 'credit';
  const isStop = kind.startsWith('stop');
  const type = isStop ? 'stop' : kind === 'market' ? 'market' : 'limit';
  return {
    ...{ type, isCredit },
    // A stop limit keeps both, and so equals no order of ours.
    limit_px_e4: type === 'market' ? null : price(wire.price),
    stop_px_e4: isStop ? price(wire.stop_price) : null,
  };
}

function price(value: number | null | undefined): number | null {
  // A limit of a spread has come back negative for a credit.
  return value === undefined || value === null ? null : scaleNumber(Math.abs(value), 4);
}
