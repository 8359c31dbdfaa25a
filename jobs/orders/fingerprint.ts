// Orders found again at a broker that keeps no id of ours: by what they are, and when they were entered.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { Broker, BrokerOrder, OrderReport } from '../brokers/broker.ts';
import { brokerOrderOf, clientIdOf, isSameTrade } from './broker_order.ts';
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
  readonly carried?: Carried | undefined;
}

// Clocks differ, the broker's times have whole seconds, and an order may have waited at its door.
const BEFORE_MS = 5000;
const AFTER_MS = 120_000;
/** The order as the broker's reports show it: it may move a stop to the next price that it takes. */
export type Carried = NonNullable<Broker['carried']>;

const AS_IT_IS: Carried = (order) => order;

/** True if the report is of an order with these terms, whoever entered it. */
export function hasTerms(terms: OrderTerms, { order }: OrderReport, carried: Carried = AS_IT_IS): boolean {
  if (order.type !== terms.order_type || !isSameTrade(terms, order)) return false;
  return hasPrice(carried(brokerOrderOf(terms)), order);
}

function hasPrice(ours: BrokerOrder, seen: BrokerOrder): boolean {
  if (ours.type === 'market') return true;
  if (ours.type === 'stop') return seen.stop_px_e4 === ours.stop_px_e4;
  return seen.limit_px_e4 === ours.limit_px_e4 && seen.isCredit === ours.isCredit;
}

/** True if the report may be of that very order. */
export function mayBe(sought: SoughtOrder, report: OrderReport, carried?: Carried): boolean {
  const { enteredAt } = report;
  return (
    enteredAt >= addMs(sought.ts_submitted, -BEFORE_MS) &&
    enteredAt <= addMs(sought.ts_submitted, AFTER_MS) &&
    hasTerms(sought, report, carried)
  );
}

/** Which report is whose, by intent; orders that none may be of are left out. No report is given twice. */
export function attribute(
  sought: readonly SoughtOrder[],
  reports: readonly OrderReport[],
  options: AttributionOptions,
): ReadonlyMap<number, Attribution> {
  return options.keepsClientIds ? byClientId(sought, reports) : byTerms(sought, reports, options);
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
  { known, carried }: AttributionOptions,
): Map<number, Attribution> {
  const found = new Map<number, Attribution>();
  const free = new Set(reports.filter((report) => !known.has(report.venueOrderId)));
  const queue = [...sought].sort(
    (a, b) => Number(a.isDeclared) - Number(b.isDeclared) || a.ts_submitted - b.ts_submitted,
  );
  for (const [index, order] of queue.entries()) {
    const matches = [...free].filter((report) => mayBe(order, report, carried));
    if (matches.length === 0) continue;
    const rivals = queue
      .slice(index)
      .filter((other) => matches.some((report) => mayBe(other, report, carried)));
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
