// The trading half of the simulated Tradier: orders, positions, balances (reference A6 to A8) on the desk and the books.
import { addMs, dateOf, type EasternUs } from '../../core/eastern_time.ts';
import type { AccountBook } from '../venue/account_book.ts';
import { fundsAfter, rejectReason, valueAtLimit } from '../venue/checks.ts';
import { type Answer, json } from '../venue/http.ts';
import { isLive, type OrderSpec, type SimOrder } from '../venue/order.ts';
import { fillable, planOf } from '../venue/order_faults.ts';
import { balancesView, positionsView, profileView } from './account_view.ts';
import type { Fault, Operation } from './faults.ts';
import { changedSpec, type ParsedForm, parseForm } from './order_form.ts';
import { currentOf, filledUnits, iso, type Ticket, ticketView } from './order_view.ts';
import type { TradierParts } from './parts.ts';
import { errors, type Json, list, plain, unauthorizedAccount } from './wire.ts';

export interface Call {
  readonly operation: Operation;
  readonly account: string;
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly fault: Fault | null;
}

type Handler = (call: Call, parts: TradierParts, book: AccountBook) => Answer;

const PARTNER = 'c4998eb7-06e8-4820-a7ab-55d9760065fb';

function asOf(call: Call, parts: TradierParts, lagMs: number): EasternUs {
  const staleMs = call.fault?.kind === 'stale' ? call.fault.ms : 0;
  return addMs(parts.settings.clock.now(), -(lagMs + staleMs));
}

function viewOf(ticket: Ticket, call: Call, parts: TradierParts, at: EasternUs): Json | null {
  const { omitsLegs, parentQuantity } = parts.settings;
  const options = {
    asOf: at,
    withTags: call.query.get('includeTags') === 'true',
    withLegs: !omitsLegs && call.fault?.kind !== 'no_legs',
    parentQuantity,
  };
  return ticketView(ticket, options, (order) => parts.tickets.of(order));
}

function isShown(ticket: Ticket, at: EasternUs): boolean {
  const [first] = ticket.orders;
  return first !== undefined && addMs(first.enteredAt, first.plan.listLagMs) <= at;
}

// The list is that of the day, unless a filter asks for more; what is good till canceled stays on it.
function isAskedFor(ticket: Ticket, query: URLSearchParams, now: EasternUs): boolean {
  const [first] = ticket.orders;
  if (first === undefined) return false;
  if (query.get('filter') === 'all') {
    const date = dateOf(first.enteredAt);
    return date >= (query.get('start') ?? '') && date <= (query.get('end') ?? '9999');
  }
  const isKept = first.spec.duration === 'GOOD_TILL_CANCEL' && isLive(currentOf(ticket));
  return isKept || dateOf(first.enteredAt) === dateOf(now);
}

const getOrders: Handler = (call, parts, book) => {
  const at = asOf(call, parts, parts.settings.lags.listMs);
  const views = parts.tickets
    .all()
    .filter(
      (ticket) =>
        ticket.orders[0]?.book === book && isAskedFor(ticket, call.query, parts.settings.clock.now()),
    )
    .filter((ticket) => isShown(ticket, at))
    .flatMap((ticket) => viewOf(ticket, call, parts, at) ?? []);
  const page = Number(call.query.get('page') ?? 1);
  return json(200, { orders: list('order', page > 1 ? [] : views) });
};

function ticketOf(call: Call, parts: TradierParts, book: AccountBook): Ticket | null {
  const ticket = /^\d{1,15}$/.test(call.id) ? parts.tickets.find(Number(call.id)) : null;
  return ticket?.orders[0]?.book === book ? ticket : null;
}

const getOrder: Handler = (call, parts, book) => {
  const ticket = ticketOf(call, parts, book);
  const at = asOf(call, parts, 0);
  const isHidden = ticket?.orders[0]?.plan.isHiddenById === true && !isShown(ticket, at);
  const view = ticket === null || isHidden ? null : viewOf(ticket, call, parts, at);
  return view === null ? unauthorizedAccount(call.account) : json(200, { order: view });
};

function symbolsOf(spec: OrderSpec): string[] {
  return [...spec.legs.map((leg) => leg.symbol), ...spec.children.flatMap(symbolsOf)];
}

function preview(spec: OrderSpec, parts: TradierParts, book: AccountBook, body: string): Answer {
  const form = new URLSearchParams(body);
  const { venue, settings } = parts;
  const contracts = spec.legs.reduce((sum, leg) => sum + leg.ratio, 0) * spec.qty;
  const commission = (settings.fees.commission_e4 * contracts) / 1e4;
  const cost = -valueAtLimit(spec, venue.board) / 1e4;
  const before = fundsAfter(venue.checks, book, null, null);
  const after = fundsAfter(venue.checks, book, spec, null);
  return json(200, {
    order: {
      status: 'ok',
      commission,
      cost: cost + commission,
      fees: 0,
      symbol: form.get('symbol'),
      quantity: spec.qty,
      side: form.get('side') ?? 'buy',
      type: form.get('type'),
      duration: form.get('duration'),
      result: true,
      order_cost: cost,
      margin_change: Math.max(0, (before - after) / 1e4),
      request_date: iso(settings.clock.now()).slice(0, 23),
      extended_hours: false,
      class: form.get('class'),
      strategy: form.get('class') === 'multileg' ? 'spread' : form.get('class'),
      day_trades: 0,
    },
  });
}

function withSpec(
  parsed: ParsedForm,
  run: (order: Extract<ParsedForm, { kind: 'order' }>) => Answer,
): Answer {
  if (parsed.kind === 'invalid') return plain(400, parsed.text);
  return parsed.kind === 'errors' ? errors(parsed.texts) : run(parsed);
}

function taken(ticket: Ticket, call: Call, parts: TradierParts): Answer {
  if (call.fault?.kind === 'no_id') return json(200, { order: { status: 'ok' } });
  const others = parts.tickets.all().filter((each) => each !== ticket);
  const id = call.fault?.kind === 'wrong_id' ? (others.at(-1)?.id ?? ticket.id + 7) : ticket.id;
  return json(200, { order: { id, status: 'ok', partner_id: PARTNER } });
}

const postOrder: Handler = (call, parts, book) =>
  withSpec(parseForm(call.body), ({ spec, tag }) => {
    const { venue, settings, tickets } = parts;
    parts.refresh(symbolsOf(spec));
    const reason = rejectReason(venue.checks, book, spec, { now: settings.clock.now(), order: null });
    if (reason !== null && settings.refusesAtOnce) return errors([reason]);
    const order = venue.desk.submit(book, spec, { source: 'api', plan: planOf(call.fault) });
    return taken(tickets.of(order, tag), call, parts);
  });

const postPreview: Handler = (call, parts, book) =>
  withSpec(parseForm(call.body), ({ spec }) => {
    parts.refresh(symbolsOf(spec));
    const now = parts.settings.clock.now();
    const reason = rejectReason(parts.venue.checks, book, spec, { now, order: null });
    return reason === null ? preview(spec, parts, book, call.body) : errors([reason]);
  });

function withLive(
  call: Call,
  parts: TradierParts,
  book: AccountBook,
  run: (ticket: Ticket, order: SimOrder) => Answer,
): Answer {
  const ticket = ticketOf(call, parts, book);
  if (ticket === null) return unauthorizedAccount(call.account);
  const order = currentOf(ticket);
  if (isLive(order) && !order.isEnding) return run(ticket, order);
  const view = viewOf(ticket, call, parts, parts.settings.clock.now());
  const state = isLive(order) ? 'canceled' : String(view?.status);
  return plain(400, `order already in finalized state: ${state}`);
}

const putOrder: Handler = (call, parts, book) =>
  withLive(call, parts, book, (ticket, order) => {
    const left = (ticket.orders[0]?.spec.qty ?? 0) - filledUnits(ticket);
    return withSpec(changedSpec(order.spec, call.body, left), ({ spec }) => {
      const { fault } = call;
      const fillQty = fault?.kind === 'fill_during_replace' ? fillable(order, fault.qty) : 0;
      const submission = { source: 'api' as const, plan: planOf(fault), fillQty };
      ticket.orders.push(parts.venue.desk.replace(order, spec, submission));
      return taken(ticket, call, parts);
    });
  });

const deleteOrder: Handler = (call, parts, book) =>
  withLive(call, parts, book, (ticket, order) => {
    const { fault } = call;
    const { desk } = parts.venue;
    if (fault?.kind === 'cancel_refused') return plain(400, 'order cannot be canceled at this time');
    const isForced = fault?.kind === 'fill_after_cancel' || fault?.kind === 'fill_during_cancel';
    const qty = isForced ? fillable(order, fault.qty) : 0;
    if (fault?.kind === 'fill_after_cancel' && qty > 0) desk.cancelAfterFill(order, qty, fault.lagMs);
    else desk.cancel(order, qty);
    return json(200, { order: { id: ticket.id, status: 'ok' } });
  });

const balances: Handler = (call, parts, book) => {
  const { venue, settings, tickets } = parts;
  const pendingOrders = tickets.all().filter((ticket) => isLive(currentOf(ticket))).length;
  const funds_e4 = fundsAfter(venue.checks, book, null, null);
  const at = asOf(call, parts, settings.lags.positionsMs);
  return json(200, balancesView(book, at, { board: venue.board, pendingOrders, funds_e4 }));
};

const HANDLERS: Partial<Record<Operation, Handler>> = {
  'GET orders': getOrders,
  'GET order': getOrder,
  'POST order': postOrder,
  'POST preview': postPreview,
  'PUT order': putOrder,
  'DELETE order': deleteOrder,
  'GET balances': balances,
  'GET positions': (call, parts, book) =>
    json(200, positionsView(book, asOf(call, parts, parts.settings.lags.positionsMs))),
  // It comes from the clearing firm, which the sandbox has none of.
  'GET history': () => json(200, { history: 'null' }),
};

/** Answers a request about accounts whose token has been checked; null for operations of other APIs. */
export function answerAccounts(call: Call, parts: TradierParts): Answer | null {
  if (call.operation === 'GET profile') return json(200, profileView(parts.venue.books));
  const handler = HANDLERS[call.operation];
  if (handler === undefined) return null;
  const book = parts.venue.books.find((each) => each.accountNumber === call.account);
  return book === undefined ? unauthorizedAccount(call.account) : handler(call, parts, book);
}
