// Orders at Tradier: spreads previewed, sent once under a tag, an id taken only when the order behind it carries that tag.
import type { Clock } from '../../../core/clock.ts';
import { dateOf, type EasternUs } from '../../../core/eastern_time.ts';
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
import { type BrokerHttp, parseJson } from '../http.ts';
import type { Account } from './account.ts';
import type { FillBook } from './fill_book.ts';
import { type OrderForm, orderForm } from './order_form.ts';
import { orderNodes, orderReport } from './order_report.ts';
import { cancelOutcome, refusalOf, sentOrder } from './outcomes.ts';
import { orderBody, ordersBody, type WireOrder } from './wire.ts';

export interface Orders {
  submit(order: BrokerOrder, options: SubmitOptions): Promise<SendOutcome>;
  cancel(venueOrderId: string): Promise<CancelOutcome>;
  order(venueOrderId: string, priority?: Priority): Promise<OrderReport | null>;
  ordersSince(from: EasternUs): Promise<readonly OrderReport[]>;
}

export interface OrdersOptions {
  /** Sends orders and verifies their ids. */
  readonly http: BrokerHttp;
  /** Reads that closing may end. */
  readonly reads: BrokerHttp;
  readonly account: Account;
  readonly book: FillBook;
  readonly clock: Clock;
  readonly transport: Clock;
  readonly log: Logger;
}

// A new order may be missing from reads for a moment (measured: 50 ms).
const VERIFY_PAUSES_MS = [0, 200, 400, 800];
// An exit waits for what is read back, and it is read again.
const QUICK = { attempts: 1, timeoutMs: 4000 } as const;
const MAX_TAGS = 10_000;
// Of the list with a filter; the plain list has no documented page size, and this is one that it may have.
const PAGE_ROWS = 25;
const MAX_PAGES = 40;
const WITH_TAGS = { includeTags: 'true' };

/** The order half of the broker port; see there. */
export function createOrders(options: OrdersOptions): Orders {
  const tags = new Set<string>();
  return {
    submit: (order, about) => submit(order, about, tags, options),
    cancel: (venueOrderId) => cancel(venueOrderId, options),
    order: (venueOrderId, priority = 'entry') => readOrder(venueOrderId, priority, options),
    ordersSince: (from) => listOrders(from, options),
  };
}

async function submit(
  order: BrokerOrder,
  about: SubmitOptions,
  tags: Set<string>,
  options: OrdersOptions,
): Promise<SendOutcome> {
  const { clientId, priority, onWritten, obstacle } = about;
  let form: OrderForm;
  let path: string;
  try {
    form = orderForm(order, clientId);
    path = `${await options.account.path()}/orders`;
  } catch (error) {
    return { kind: 'not_sent', reason: errorText(error) };
  }
  // Tradier takes a tag twice and makes two orders of it.
  if (tags.has(clientId)) return { kind: 'not_sent', reason: `an order was sent as ${clientId} before` };
  const refused = isPreviewed(order) ? await previewed(form, path, about, options) : null;
  if (refused !== null) return refused;
  if (tags.size >= MAX_TAGS) tags.clear();
  tags.add(clientId);
  const request = {
    route: 'POST order',
    method: 'POST',
    path,
    body: form,
    priority,
    onWritten,
    obstacle,
  } as const;
  const sent = sentOrder(await options.http.send(request));
  if (sent.kind === 'not_sent') tags.delete(clientId);
  const outcome = sent.kind === 'created' ? await verified(sent.id, clientId, priority, options) : sent;
  options.log.info({ route: 'POST order', client_id: clientId, outcome }, 'tradier order sent');
  return outcome;
}

// Of entries only: an exit waits for nothing.
function isPreviewed({ legs }: BrokerOrder): boolean {
  return legs.length > 1 && legs.some((leg) => leg.effect === 'open');
}

/** Asks Tradier about the order without placing it: null if it would take it. An entry that it does not answer for is not sent. */
async function previewed(
  form: OrderForm,
  path: string,
  { priority, onPreview }: SubmitOptions,
  options: OrdersOptions,
): Promise<SendOutcome | null> {
  const body = { ...form, preview: 'true' };
  const result = await options.http.send({ route: 'POST preview', method: 'POST', path, body, priority });
  if (result.kind !== 'answered') {
    return { kind: 'not_sent', reason: `no preview: ${result.reason}` };
  }
  const refusal = refusalOf(result);
  const preview = parseJson(result.text);
  try {
    if (preview !== undefined) await onPreview?.(preview);
  } catch (error) {
    return { kind: 'not_sent', reason: `the preview could not be stored: ${errorText(error)}` };
  }
  if (refusal !== null) return { kind: 'rejected', reason: `preview: ${refusal}` };
  if (result.status === 200 && preview !== undefined) return null;
  return {
    kind: 'not_sent',
    reason: `no preview: Tradier answered ${result.status}, and nothing that can be read`,
  };
}

async function verified(
  id: string,
  clientId: string,
  priority: Priority,
  options: OrdersOptions,
): Promise<SendOutcome> {
  let problem = '';
  for (const pauseMs of VERIFY_PAUSES_MS) {
    await options.transport.sleep(pauseMs);
    try {
      const wire = await fetchOrder(id, options, options.http, { ...QUICK, priority });
      if (wire !== null) {
        const isOurs = wire.id === id && (wire.tag ?? '').split('--')[0] === clientId;
        if (isOurs) return { kind: 'submitted', venueOrderId: id };
        return { kind: 'unknown', reason: `the answer names order ${id}, which does not carry our tag` };
      }
      problem = 'which Tradier does not show yet';
    } catch (error) {
      problem = `which cannot be read back: ${errorText(error)}`;
    }
  }
  return { kind: 'unknown', reason: `the answer names order ${id}, ${problem}` };
}

async function cancel(venueOrderId: string, options: OrdersOptions): Promise<CancelOutcome> {
  if (!isOrderId(venueOrderId)) {
    return { kind: 'refused', reason: `${venueOrderId} is no order id of Tradier's` };
  }
  let path: string;
  try {
    path = `${await options.account.path()}/orders/${venueOrderId}`;
  } catch (error) {
    return { kind: 'not_sent', reason: errorText(error) };
  }
  const request = { route: 'DELETE order', method: 'DELETE', path, priority: 'exit' } as const;
  const outcome = cancelOutcome(await options.http.send(request));
  options.log.info({ venue_order_id: venueOrderId, outcome }, 'tradier cancel sent');
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
  const node = orderNodes(wire).find((each) => each.id === venueOrderId);
  if (node === undefined) throw new Failure(`Tradier answered for order ${venueOrderId} with another one`);
  return orderReport(node, options.book);
}

function fetchOrder(
  venueOrderId: string,
  { account }: OrdersOptions,
  http: BrokerHttp,
  limits: { readonly attempts?: number; readonly timeoutMs?: number; readonly priority?: Priority } = {},
): Promise<WireOrder | null> {
  const path = `/orders/${venueOrderId}`;
  return account.read({ route: 'GET order', path, query: WITH_TAGS, schema: orderBody, ...limits }, http);
}

async function listOrders(from: EasternUs, options: OrdersOptions): Promise<readonly OrderReport[]> {
  const now = options.clock.now();
  // The plain list is that of the day; older ones need a filter, which is not meant to be polled.
  const older: Record<string, string> =
    dateOf(from) < dateOf(now) ? { filter: 'all', start: dateOf(from), end: dateOf(now) } : {};
  const found = await allPages(older, options);
  const reports: OrderReport[] = [];
  for (const node of found.flatMap(orderNodes)) {
    const report = await reportIn(node, options);
    // Its clock is not ours.
    if (report !== null && report.enteredAt >= from - 1_000_000) reports.push(report);
  }
  return reports.sort((a, b) => a.enteredAt - b.enteredAt || Number(a.venueOrderId) - Number(b.venueOrderId));
}

async function allPages(
  filter: Readonly<Record<string, string>>,
  { account, reads }: OrdersOptions,
): Promise<readonly WireOrder[]> {
  const found = new Map<string, WireOrder>();
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const query = { ...WITH_TAGS, ...filter, ...(page === 1 ? {} : { page: String(page) }) };
    const request = { route: 'GET orders', path: '/orders', query, schema: ordersBody };
    const rows = (await account.read(request, reads)) ?? [];
    const fresh = rows.filter((row) => !found.has(row.id));
    for (const row of fresh) found.set(row.id, row);
    if (fresh.length === 0 || rows.length % PAGE_ROWS !== 0) return [...found.values()];
  }
  throw new Failure('Tradier lists more orders than can be read', { hint: 'Ask for a shorter range.' });
}

/** An order that cannot be read is an error, unless it has nothing to do with options. */
async function reportIn(node: WireOrder, { book, log }: OrdersOptions): Promise<OrderReport | null> {
  try {
    return await orderReport(node, book);
  } catch (error) {
    if (node.class !== 'equity' || toOsi(node.symbol ?? '') !== null) throw error;
    log.warn({ reason: errorText(error) }, 'tradier order of another kind passed over');
    return null;
  }
}

function isOrderId(text: string): boolean {
  return /^\d{1,20}$/.test(text);
}
