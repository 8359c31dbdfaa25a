// Flat at the broker, with no database at all: every working order canceled, then every option position closed at the market.
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import { type OsiSymbol, parseOsi } from '../core/osi_symbol.ts';
import type { Broker, BrokerPosition, OrderReport } from './brokers/broker.ts';

export interface FlattenOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Contracts (OSI symbols) to close; null closes every option. */
  readonly symbols: readonly OsiSymbol[] | null;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
  /** Clock time for cancels, and for closes, to come through; default 20,000 each. */
  readonly patienceMs?: number;
}

export interface FlattenResult {
  readonly canceled: number;
  readonly closed: number;
  /** What is still there. */
  readonly working: readonly OrderReport[];
  readonly open: readonly BrokerPosition[];
}

const DAY_MS = 86_400_000;
const POLL_MS = 500;
const PATIENCE_MS = 20_000;
const MAX_ROUNDS = 3;

/**
 * Cancels what works and closes what is open, and looks at the broker between any two steps: a close that may have been taken is
 * never sent again before the positions have been read. Throws a Failure where the broker cannot be asked.
 */
export async function flatten(options: FlattenOptions): Promise<FlattenResult> {
  const isMeant = (order: OrderReport): boolean => concerns(order, options.symbols);
  // Before the stops are taken away: without the positions there would be nothing to close.
  await patiently(options, () => openOptions(options));
  let canceled = 0;
  let closed = 0;
  for (let round = 0; round < MAX_ROUNDS && !options.signal.aborted; round += 1) {
    try {
      const orders = await patiently(options, () => workingOrders(options, isMeant));
      if (options.signal.aborted) break;
      // What works must not fill behind the closes.
      canceled += await cancelAll(options, orders, isMeant);
    } catch (error) {
      options.onStep(`the orders cannot be read (${errorText(error)}): closing all the same`);
    }
    const open = await patiently(options, () => openOptions(options));
    if (open.length === 0) break;
    closed += await closeAll(options, open.filter(isShort));
    closed += await closeAll(options, await uncovering(options, open));
  }
  const open = await patiently(options, () => openOptions(options));
  const isNeeded = ({ order: { legs } }: OrderReport): boolean =>
    legs.every(({ effect, symbol }) => effect === 'close' && open.some((each) => each.symbol === symbol));
  // What would open a position; what closes one that could not be closed is its stop, or the close that still works.
  if (!options.signal.aborted)
    canceled += await cancelOrders(options, (order) => isMeant(order) && !isNeeded(order));
  const working = await patiently(options, () => workingOrders(options, isMeant));
  return { canceled, closed, working, open: await patiently(options, () => openOptions(options)) };
}

/** What a read brings, asked again for as long as the patience lasts. Throws what the last one threw. */
async function patiently<T>(
  options: Pick<FlattenOptions, 'clock' | 'signal' | 'patienceMs' | 'onStep'>,
  read: () => Promise<T>,
): Promise<T> {
  const { clock, signal, patienceMs = PATIENCE_MS, onStep } = options;
  const until = addMs(clock.now(), patienceMs);
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted || clock.now() >= until) throw error;
      onStep(`the broker cannot be asked, once more: ${errorText(error)}`);
      await clock.sleep(POLL_MS, signal);
    }
  }
}

/** Cancels the working orders that `isMeant` names, and waits until the broker says that they have ended. Returns their number. */
export async function cancelOrders(
  options: Omit<FlattenOptions, 'symbols'>,
  isMeant: (order: OrderReport) => boolean,
): Promise<number> {
  const orders = await patiently(options, () => workingOrders(options, isMeant));
  return cancelAll(options, orders, isMeant);
}

async function cancelAll(
  options: Omit<FlattenOptions, 'symbols'>,
  orders: readonly OrderReport[],
  isMeant: (order: OrderReport) => boolean,
): Promise<number> {
  for (const order of orders) {
    const outcome = await options.broker.cancel(order.venueOrderId);
    const about = outcome.kind === 'requested' ? 'requested' : `${outcome.kind}: ${outcome.reason}`;
    options.onStep(`cancel of order ${order.venueOrderId} (${describeOrder(order)}): ${about}`);
  }
  if (orders.length === 0) return 0;
  await waitFor(options, async () => (await workingOrders(options, isMeant)).length === 0);
  return orders.length - (await patiently(options, () => workingOrders(options, isMeant))).length;
}

async function workingOrders(
  { broker, clock }: Pick<FlattenOptions, 'broker' | 'clock'>,
  isMeant: (order: OrderReport) => boolean,
): Promise<readonly OrderReport[]> {
  const orders = await broker.ordersSince(addMs(clock.now(), -DAY_MS));
  // A state that we do not know may be a working one.
  return orders.filter((order) => (order.state === 'working' || order.state === 'unknown') && isMeant(order));
}

function concerns(order: OrderReport, symbols: readonly OsiSymbol[] | null): boolean {
  return order.order.legs.some(({ symbol }) => symbols === null || symbols.some((each) => each === symbol));
}

async function openOptions({ broker, symbols }: FlattenOptions): Promise<readonly BrokerPosition[]> {
  const positions = await broker.positions();
  return positions.filter(
    ({ symbol, qty }) =>
      qty !== 0 && parseOsi(symbol) !== null && (symbols === null || symbols.includes(symbol as OsiSymbol)),
  );
}

function isShort({ qty }: BrokerPosition): boolean {
  return qty < 0;
}

/** Those bought that cover nothing any more: to sell one before what was sold on it is bought back would leave that bare. */
async function uncovering(
  options: FlattenOptions,
  open: readonly BrokerPosition[],
): Promise<readonly BrokerPosition[]> {
  const bought = open.filter((position) => !isShort(position));
  if (bought.length === 0) return [];
  const left = await patiently(options, () => openOptions({ ...options, symbols: null }));
  const roots = new Set(left.filter(isShort).map(({ symbol }) => parseOsi(symbol)?.root));
  return bought.filter(({ symbol }) => !roots.has(parseOsi(symbol)?.root));
}

/** Sends a close of each, and waits until they are gone. Returns how many were taken. */
async function closeAll(options: FlattenOptions, meant: readonly BrokerPosition[]): Promise<number> {
  let taken = 0;
  for (const position of meant) taken += (await sendClose(options, position)) ? 1 : 0;
  const isGone = async (): Promise<boolean> => {
    const symbols = new Set((await openOptions(options)).map(({ symbol }) => symbol));
    return meant.every(({ symbol }) => !symbols.has(symbol));
  };
  if (meant.length > 0) await waitFor(options, isGone);
  return taken;
}

async function sendClose(options: FlattenOptions, position: BrokerPosition): Promise<boolean> {
  const { broker, clock, onStep } = options;
  const { symbol, qty } = position;
  const side = qty < 0 ? 'buy' : 'sell';
  const outcome = await broker.submit(
    {
      legs: [{ symbol: symbol as OsiSymbol, side, effect: 'close', ratio: 1 }],
      qty: Math.abs(qty),
      type: 'market',
      isCredit: side === 'sell',
      limit_px_e4: null,
      stop_px_e4: null,
    },
    { clientId: `flatten-${symbol.replaceAll(' ', '')}-${clock.now()}`, priority: 'exit' },
  );
  const about =
    outcome.kind === 'submitted' ? `order ${outcome.venueOrderId}` : `${outcome.kind}: ${outcome.reason}`;
  onStep(`${side} ${Math.abs(qty)} ${symbol} at the market: ${about}`);
  return outcome.kind === 'submitted';
}

async function waitFor(
  { clock, signal, patienceMs = PATIENCE_MS, onStep }: Omit<FlattenOptions, 'symbols'>,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const until: EasternUs = addMs(clock.now(), patienceMs);
  while (!signal.aborted) {
    try {
      if (await isDone()) return;
    } catch (error) {
      // To read again does no harm.
      onStep(`the broker cannot be asked: ${errorText(error)}`);
    }
    if (clock.now() >= until) return;
    await clock.sleep(POLL_MS, signal);
  }
}

/** `buy 25 QQQ   261120C00615000 limit 1.25`. */
export function describeOrder({ order }: Pick<OrderReport, 'order'>): string {
  const legs = order.legs.map((leg) => `${leg.side} ${order.qty * leg.ratio} ${leg.symbol}`).join(' + ');
  const price = order.limit_px_e4 ?? order.stop_px_e4;
  return `${legs} ${order.type}${price === null ? '' : ` ${(price / 1e4).toFixed(2)}`}`;
}
