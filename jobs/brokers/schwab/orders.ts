// Orders at Schwab: sent once, an id taken only when the order behind it is ours, and read back as reports.
import type { Clock } from '../../../core/clock.ts';
import { addMs, type EasternUs } from '../../../core/eastern_time.ts';
import { errorText, Failure } from '../../../core/failure.ts';
import type { Logger } from '../../../core/log.ts';
import { toOsi } from '../../../core/osi_symbol.ts';
import type {
  BrokerOrder,
  CancelOutcome,
  OrderReport,
  Priority,
  SendOutcome,
  SubmitOptions,
} from '../broker.ts';
import type { HttpResult } from '../exchange.ts';
import type { BrokerHttp, OrderRequest } from '../http.ts';
import type { Accounts } from './accounts.ts';
import { asSchwabCarries, orderBody, type TickRule } from './order_body.ts';
import { orderReport, orderTree } from './order_report.ts';
import { cancelOutcome, sentOrder } from './outcomes.ts';
import { type WireOrder, wireOrder, wireOrders } from './wire.ts';
import { queryTime } from './wire_time.ts';

export interface Orders {
  submit(order: BrokerOrder, options: SubmitOptions): Promise<SendOutcome>;
  cancel(venueOrderId: string): Promise<CancelOutcome>;
  replace(venueOrderId: string, order: BrokerOrder): Promise<SendOutcome>;
  order(venueOrderId: string, priority?: Priority): Promise<OrderReport | null>;
  ordersSince(from: EasternUs): Promise<readonly OrderReport[]>;
}

export interface OrdersOptions {
  /** Sends orders and verifies their ids. */
  readonly http: BrokerHttp;
  /** Reads that closing may end. */
  readonly reads: BrokerHttp;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly transport: Clock;
  readonly ticks: TickRule;
  readonly log: Logger;
}

const MAX_RESULTS = 3000;
const DAY_MS = 86_400_000;
// Schwab allows a year; an older beginning is a mistake.
const MAX_RANGE_MS = 360 * DAY_MS;
// A new order may be missing from reads for a moment.
const VERIFY_PAUSES_MS = [0, 200, 400, 800];
// An exit waits for what is read back, and it is read again.
const QUICK = { attempts: 1, timeoutMs: 4000 } as const;
const MAX_KNOWN = 10_000;
const PASSED_OVER = 'schwab order of another kind passed over';

/** The order half of the broker port; see there. */
export function createOrders(options: OrdersOptions): Orders {
  const known = new Set<string>();
  const place = (request: Placing): Promise<SendOutcome> => placeOrder(request, known, options);
  return {
    submit: (order, about) => place({ route: 'POST order', method: 'POST', replaces: null, order, ...about }),
    replace: (venueOrderId, order) =>
      // What is replaced is working: the request changes a risk that exists.
      place({
        route: 'PUT order',
        method: 'PUT',
        replaces: venueOrderId,
        order,
        priority: 'exit',
        clientId: null,
      }),
    cancel: (venueOrderId) => cancelOrder(venueOrderId, options),
    order: (venueOrderId, priority = 'entry') => readOrder(venueOrderId, priority, options),
    ordersSince: (from) => listOrders(from, options),
  };
}

interface Placing {
  readonly route: string;
  readonly method: 'POST' | 'PUT';
  readonly replaces: string | null;
  readonly order: BrokerOrder;
  readonly priority: Priority;
  readonly clientId: string | null;
  readonly onWritten?: (() => void) | undefined;
  readonly obstacle?: (() => string | null) | undefined;
}

async function placeOrder(
  placing: Placing,
  known: Set<string>,
  options: OrdersOptions,
): Promise<SendOutcome> {
  let request: OrderRequest;
  try {
    request = await requestFor(placing, options);
  } catch (error) {
    return { kind: 'not_sent', reason: errorText(error) };
  }
  const sent = sentOrder(await sendTo(request, options));
  const outcome = sent.kind === 'created' ? await verified(sent.id, placing, known, options) : sent;
  const { route, clientId } = placing;
  options.log.info({ route, client_id: clientId, outcome }, 'schwab order sent');
  return outcome;
}

async function sendTo(request: OrderRequest, options: OrdersOptions): Promise<HttpResult> {
  const result = await options.http.send(request);
  if (result.kind === 'answered' && result.status === 404) options.accounts.forget();
  return result;
}

async function requestFor(placing: Placing, options: OrdersOptions): Promise<OrderRequest> {
  const { route, method, replaces, order, priority, onWritten, obstacle } = placing;
  const body = orderBody(order, options.ticks);
  if (replaces !== null && !isOrderId(replaces)) throw new Failure(`${replaces} is no order id of Schwab's`);
  const base = `/accounts/${await options.accounts.hash()}/orders`;
  const path = replaces === null ? base : `${base}/${replaces}`;
  return { route, method, path, body, priority, onWritten, obstacle };
}

/** Location has named other orders before: an id counts when the order behind it is the one that was sent. */
async function verified(
  id: string,
  placing: Placing,
  known: Set<string>,
  options: OrdersOptions,
): Promise<SendOutcome> {
  if (known.has(id) || id === placing.replaces) {
    return { kind: 'unknown', reason: `201 names order ${id}, which is an earlier one` };
  }
  const problem = await compare(id, placing, options);
  if (problem !== null) return { kind: 'unknown', reason: `201 names order ${id}, ${problem}` };
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(id);
  return { kind: 'submitted', venueOrderId: id };
}

async function compare(id: string, placing: Placing, options: OrdersOptions): Promise<string | null> {
  let problem = '';
  for (const pauseMs of VERIFY_PAUSES_MS) {
    await options.transport.sleep(pauseMs);
    try {
      const { priority } = placing;
      const wire = await fetchOrder(id, options, options.http, { ...QUICK, priority });
      const node = wire === null ? undefined : nodeOf(wire, id);
      if (node !== undefined) {
        const expected = asSchwabCarries(placing.order, options.ticks);
        return isSame(orderReport(node).order, expected)
          ? null
          : 'whose legs, quantity or price are not those sent';
      }
      problem = 'which Schwab does not show yet';
    } catch (error) {
      problem = `which cannot be read back: ${errorText(error)}`;
    }
  }
  return problem;
}

/** Legs in any order; prices as far as Schwab shows them. */
export function isSame(seen: BrokerOrder, sent: BrokerOrder): boolean {
  const keys = (order: BrokerOrder): string =>
    order.legs
      .map((leg) => `${leg.symbol} ${leg.side} ${leg.effect} ${leg.ratio * order.qty}`)
      .sort()
      .join();
  const isPrice = (a: number | null, b: number | null): boolean => a === null || b === null || a === b;
  const isDirection = sent.legs.length === 1 || sent.type !== 'limit' || seen.isCredit === sent.isCredit;
  return (
    keys(seen) === keys(sent) &&
    seen.type === sent.type &&
    isDirection &&
    isPrice(seen.limit_px_e4, sent.limit_px_e4) &&
    isPrice(seen.stop_px_e4, sent.stop_px_e4)
  );
}

async function cancelOrder(venueOrderId: string, options: OrdersOptions): Promise<CancelOutcome> {
  if (!isOrderId(venueOrderId))
    return { kind: 'refused', reason: `${venueOrderId} is no order id of Schwab's` };
  let hash: string;
  try {
    hash = await options.accounts.hash();
  } catch (error) {
    return { kind: 'not_sent', reason: errorText(error) };
  }
  const path = `/accounts/${hash}/orders/${venueOrderId}`;
  const request = { route: 'DELETE order', method: 'DELETE', path, priority: 'exit' } as const;
  const outcome = cancelOutcome(await sendTo(request, options));
  options.log.info({ venue_order_id: venueOrderId, outcome }, 'schwab cancel sent');
  return outcome;
}

async function readOrder(
  venueOrderId: string,
  priority: Priority,
  options: OrdersOptions,
): Promise<OrderReport | null> {
  if (!isOrderId(venueOrderId)) return null;
  const limits = priority === 'exit' ? QUICK : {};
  const wire = await fetchOrder(venueOrderId, options, options.reads, { ...limits, priority });
  if (wire === null) return null;
  const node = nodeOf(wire, venueOrderId);
  if (node === undefined) throw new Failure(`Schwab answered for order ${venueOrderId} with another one`);
  return orderReport(node);
}

function fetchOrder(
  venueOrderId: string,
  options: OrdersOptions,
  http: BrokerHttp,
  limits: { attempts?: number; timeoutMs?: number; priority?: Priority } = {},
): Promise<WireOrder | null> {
  return options.accounts.withHash((hash) => {
    const path = `/accounts/${hash}/orders/${venueOrderId}`;
    return http.read({ route: 'GET order', path, schema: wireOrder, ...limits });
  });
}

function nodeOf(root: WireOrder, venueOrderId: string): WireOrder | undefined {
  return orderTree(root).find((node) => node.orderId === venueOrderId);
}

async function listOrders(from: EasternUs, options: OrdersOptions): Promise<readonly OrderReport[]> {
  const { reads, accounts, clock, log } = options;
  const now = clock.now();
  if (now - from > MAX_RANGE_MS * 1000) throw new Failure('Schwab lists the orders of one year at most');
  // Its times have whole seconds, and its clock is not ours.
  const begin = (Math.floor(from / 1e6) * 1e6) as EasternUs;
  const query = {
    fromEnteredTime: queryTime(begin),
    toEnteredTime: queryTime(addMs(Math.max(now, from) as EasternUs, DAY_MS)),
    maxResults: String(MAX_RESULTS),
  };
  const found = await accounts.withHash((hash) =>
    reads.read({ route: 'GET orders', path: `/accounts/${hash}/orders`, query, schema: wireOrders }),
  );
  if (found === null) throw new Failure('Schwab does not know the account that it listed itself');
  if (found.length >= MAX_RESULTS)
    throw new Failure(`Schwab lists ${MAX_RESULTS} orders and there may be more`);
  const nodes = found.flatMap((row) => rowIn(row, log)).flatMap(orderTree);
  const byTime = (a: OrderReport, b: OrderReport): number =>
    a.enteredAt - b.enteredAt || Number(a.venueOrderId) - Number(b.venueOrderId);
  return nodes
    .filter((node) => node.orderLegCollection.length > 0)
    .flatMap((node) => reportIn(node, log))
    .sort(byTime);
}

function rowIn(row: unknown, log: Logger): WireOrder[] {
  const parsed = wireOrder.safeParse(row);
  if (parsed.success) return [parsed.data];
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  const symbols = [...JSON.stringify(row).matchAll(/"symbol":"([^"]*)"/g)];
  if (symbols.length === 0 || symbols.some(([, symbol = '']) => toOsi(symbol) !== null))
    throw new Failure(`Schwab's answer to GET orders is not as documented: ${where}`);
  log.warn({ reason: `not as documented: ${where}` }, PASSED_OVER);
  return [];
}

/** An order that cannot be read is an error, unless it has nothing to do with options. */
function reportIn(node: WireOrder, log: Logger): OrderReport[] {
  try {
    return [orderReport(node)];
  } catch (error) {
    if (node.orderLegCollection.some((leg) => toOsi(leg.instrument.symbol) !== null)) throw error;
    log.warn({ reason: errorText(error) }, PASSED_OVER);
    return [];
  }
}

function isOrderId(text: string): boolean {
  return /^\d{1,20}$/.test(text);
}
