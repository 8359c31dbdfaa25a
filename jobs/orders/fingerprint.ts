// Orders found again at a broker that keeps no id of ours: by what they are, and when they were entered.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { OrderReport } from '../brokers/broker.ts';
import { clientIdOf } from './broker_order.ts';
import type { OrderTerms } from './records.ts';

/** An order that was sent and whose id at the broker is not known. */
export interface SoughtOrder extends OrderTerms {
  readonly ts_submitted: EasternUs;
  /** Declared not placed a moment ago: it takes only what no other order claims. */
  readonly isDeclared: boolean;
}

export type Attribution =
  | { readonly kind: 'one'; readonly report: OrderReport }
  /** More of them than orders sought: nobody can tell which is ours. */
  | { readonly kind: 'several'; readonly venueOrderIds: readonly string[] };

export interface AttributionOptions {
  /** Ids at the broker that are attributed already. */
  readonly known: ReadonlySet<string>;
  readonly keepsClientIds: boolean;
}

// Clocks differ, the broker's times have whole seconds, and an order may have waited at its door.
const BEFORE_MS = 5000;
const AFTER_MS = 120_000;
// An adapter may move a stop to the next price that the broker takes.
const STOP_TOLERANCE_E4 = 500;

/** True if the report is of an order with these terms, whoever entered it. */
export function hasTerms(terms: OrderTerms, { order }: OrderReport): boolean {
  const [leg] = order.legs;
  if (leg === undefined || order.legs.length !== 1 || order.type !== terms.order_type) return false;
  if (leg.symbol !== terms.symbol || leg.side !== terms.side || leg.effect !== terms.effect) return false;
  return leg.ratio * order.qty === terms.qty && hasPrice(terms, order);
}

function hasPrice({ order_type, limit_px_e4, stop_px_e4 }: OrderTerms, order: OrderReport['order']): boolean {
  if (order_type === 'market') return true;
  if (order_type === 'limit') return order.limit_px_e4 === limit_px_e4;
  return (
    order.stop_px_e4 !== null &&
    stop_px_e4 !== null &&
    Math.abs(order.stop_px_e4 - stop_px_e4) <= STOP_TOLERANCE_E4
  );
}

/** True if the report may be of that very order. */
export function mayBe(sought: SoughtOrder, report: OrderReport): boolean {
  const { enteredAt } = report;
  return (
    enteredAt >= addMs(sought.ts_submitted, -BEFORE_MS) &&
    enteredAt <= addMs(sought.ts_submitted, AFTER_MS) &&
    hasTerms(sought, report)
  );
}

/** Which report is whose, by intent; orders that none may be of are left out. No report is given twice. */
export function attribute(
  sought: readonly SoughtOrder[],
  reports: readonly OrderReport[],
  options: AttributionOptions,
): ReadonlyMap<number, Attribution> {
  return options.keepsClientIds ? byClientId(sought, reports) : byTerms(sought, reports, options.known);
}

function byClientId(
  sought: readonly SoughtOrder[],
  reports: readonly OrderReport[],
): Map<number, Attribution> {
  const found = new Map<number, Attribution>();
  for (const order of sought) {
    const id = clientIdOf(order);
    const report = reports.find((each) => each.clientId === id);
    if (report !== undefined) found.set(order.intent_id, { kind: 'one', report });
  }
  return found;
}

function byTerms(
  sought: readonly SoughtOrder[],
  reports: readonly OrderReport[],
  known: ReadonlySet<string>,
): Map<number, Attribution> {
  const found = new Map<number, Attribution>();
  const free = new Set(reports.filter((report) => !known.has(report.venueOrderId)));
  const queue = [...sought].sort(
    (a, b) => Number(a.isDeclared) - Number(b.isDeclared) || a.ts_submitted - b.ts_submitted,
  );
  for (const [index, order] of queue.entries()) {
    const matches = [...free].filter((report) => mayBe(order, report));
    if (matches.length === 0) continue;
    const rivals = queue.slice(index).filter((other) => matches.some((report) => mayBe(other, report)));
    if (matches.length > rivals.length) {
      found.set(order.intent_id, {
        kind: 'several',
        venueOrderIds: matches.map((report) => report.venueOrderId),
      });
      continue;
    }
    const report = nearest(order, matches);
    free.delete(report);
    found.set(order.intent_id, { kind: 'one', report });
  }
  return found;
}

function nearest(order: SoughtOrder, matches: readonly OrderReport[]): OrderReport {
  const distance = (report: OrderReport): number => Math.abs(report.enteredAt - order.ts_submitted);
  return matches.reduce((best, report) => (distance(report) < distance(best) ? report : best));
}
