// Orders of which nobody knows whether the broker has them: looked for, adopted when found, given up when they cannot be there.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { Broker, BrokerPosition, OrderReport } from '../brokers/broker.ts';
import { describeOrder } from './broker_order.ts';
import { type Attribution, attribute, type SoughtOrder } from './fingerprint.ts';
import { beginProbe, lookedInVain, missed, type Probe } from './probe.ts';
import { type HeldPosition, isOvertaken, type OpenOrder } from './records.ts';
import { hasEnded, type Settled, type SettleParts, settle } from './settle.ts';

/** What one look has read; null where it could not be. */
export interface Looked {
  readonly reports: readonly OrderReport[] | null;
  readonly positions: readonly BrokerPosition[] | null;
  readonly held: readonly HeldPosition[];
  readonly known: ReadonlySet<string>;
  readonly now: EasternUs;
}

export interface UnknownOrders {
  /** Those that are to be looked for now. */
  due(open: readonly OpenOrder[], now: EasternUs): readonly OpenOrder[];
  /** Clock time until the next one is. */
  waitMs(now: EasternUs): number;
  /** Ids at the broker that no record names: those of orders that turned up late, and had ended without a fill. */
  lateIds(): ReadonlySet<string>;
  /** All that are without an id at the broker, those just declared not placed included. */
  sought(open: readonly OpenOrder[]): readonly SoughtOrder[];
  /** Settles what is found, and gives up what cannot be there. Returns what changed and what is wrong. */
  look(
    open: readonly OpenOrder[],
    looked: Looked,
  ): Promise<{ readonly newFills: number; readonly changes: number; readonly problems: readonly string[] }>;
}

// The sender gives its broker less than that: whoever has recorded nothing by then has ended, or lost the database.
const STUCK_AFTER_MS = 60_000;

type Parts = SettleParts & { readonly broker: Broker };

// An order that turns up later than that is nobody's.
const DECLARED_FOR_MS = 120_000;
const LOOK_AGAIN_MS = 5000;

interface Memory {
  readonly probes: Map<number, Probe>;
  /** Declared not placed, as they stood then; their orders may still turn up. */
  readonly declared: Map<number, OpenOrder>;
  /** Ids at the broker of orders that turned up late, and have ended. */
  readonly late: Set<string>;
  /** When the next look for those declared is due. */
  lookAgainAt: EasternUs;
}

/** Knows of no unknown order yet. */
export function unknownOrders(parts: Parts): UnknownOrders {
  const memory: Memory = {
    ...{ probes: new Map(), declared: new Map(), late: new Set(), lookAgainAt: 0 as EasternUs },
  };
  const { probes, declared } = memory;
  const all = (open: readonly OpenOrder[]): readonly OpenOrder[] => {
    // Once it has an id at the broker it is an order like others.
    const ids = new Set(open.filter((order) => !isDeclared(order)).map((order) => order.intent_id));
    return [...open.filter(isSought), ...[...declared.values()].filter((order) => !ids.has(order.intent_id))];
  };
  const sought = (open: readonly OpenOrder[]): readonly SoughtOrder[] =>
    all(open).map((order) => ({ ...order, isDeclared: hasEnded(order.state) }));

  return {
    due: (open, now) => {
      forget(memory, open, now);
      // By a process before this one, perhaps.
      for (const order of open.filter(isDeclared)) declared.set(order.intent_id, order);
      const waiting = open.filter((order) => order.state === 'unknown');
      for (const order of waiting) {
        if (!probes.has(order.intent_id)) probes.set(order.intent_id, beginProbe(order.ts_state));
      }
      const due = waiting.filter((order) => (probes.get(order.intent_id)?.nextAt ?? now) <= now);
      return now >= memory.lookAgainAt ? [...due, ...declared.values()] : due;
    },
    waitMs: (now) =>
      [...probes.values()].reduce((least, { nextAt }) => Math.min(least, (nextAt - now) / 1000), 60_000),
    lateIds: () => memory.late,
    sought,
    look: async (open, looked) => {
      const { reports, known, now } = looked;
      memory.lookAgainAt = addMs(now, LOOK_AGAIN_MS);
      const options = {
        known: new Set([...known, ...memory.late]),
        keepsClientIds: parts.broker.keepsClientIds,
        carried: parts.broker.carried,
      };
      const found = attribute(sought(open), reports ?? [], options);
      const results: Settled[] = [];
      for (const order of all(open))
        results.push(await lookFor(order, found.get(order.intent_id), looked, { ...parts, memory }));
      return {
        newFills: results.reduce((sum, { newFills }) => sum + newFills, 0),
        changes: results.filter(({ isChanged }) => isChanged).length,
        problems: results.flatMap(({ problem }) => (problem === null ? [] : [problem])),
      };
    },
  };
}

function forget({ probes, declared }: Memory, open: readonly OpenOrder[], now: EasternUs): void {
  const ids = new Set(open.map((order) => order.intent_id));
  for (const id of probes.keys()) if (!ids.has(id)) probes.delete(id);
  for (const [id, { ts_state }] of declared) {
    if (now > addMs(ts_state, DECLARED_FOR_MS)) declared.delete(id);
  }
}

/** Makes unknown what was sent long ago and has no outcome. */
export async function disownStuck(
  open: readonly OpenOrder[],
  now: EasternUs,
  { records }: Pick<Parts, 'records'>,
): Promise<void> {
  for (const order of open) {
    const isStuck = order.state === 'submitted' && addMs(order.ts_submitted, STUCK_AFTER_MS) <= now;
    if (!isStuck) continue;
    const detail = `no outcome was recorded within ${STUCK_AFTER_MS / 1000} s`;
    await records.event({ order, at: now, state: 'unknown', detail }).catch((error: unknown) => {
      if (!isOvertaken(error)) throw error;
    });
  }
}

function isSought({ state, venue_order_id }: OpenOrder): boolean {
  return state === 'unknown' || (state === 'submitted' && venue_order_id === null);
}

function isDeclared({ state, venue_order_id }: OpenOrder): boolean {
  return state === 'canceled' && venue_order_id === null;
}

const NOTHING: Settled = { newFills: 0, isChanged: false, problem: null, uneven: null };

async function lookFor(
  order: OpenOrder,
  found: Attribution | undefined,
  looked: Looked,
  parts: Parts & { readonly memory: Memory },
): Promise<Settled> {
  // Its sender still waits for the answer, and will say.
  if (order.state === 'submitted') return NOTHING;
  const byId = looked.reports?.find((report) => report.venueOrderId === order.venue_order_id);
  if (byId !== undefined) return adopt(order, byId, parts);
  if (found?.kind === 'several') return tellSeveral(order, found.venueOrderIds, parts);
  if (found !== undefined) return adopt(order, found.report, parts);
  return order.state === 'unknown' ? countMiss(order, looked, parts) : NOTHING;
}

async function tellSeveral(order: OpenOrder, ids: readonly string[], parts: Parts): Promise<Settled> {
  const problem = `${describeOrder(order)} may be any of the orders ${ids.join(', ')} at the broker`;
  await parts.records.halt(parts.clock.now(), problem);
  return { ...NOTHING, problem };
}

async function adopt(
  order: OpenOrder,
  report: OrderReport,
  parts: Parts & { readonly memory: Memory },
): Promise<Settled> {
  const { memory, onEvent } = parts;
  const { venueOrderId: venue_order_id } = report;
  onEvent('order adopted', { intent_id: order.intent_id, venue_order_id, state: report.state });
  if (order.state === 'unknown') {
    memory.probes.delete(order.intent_id);
    return settle(order, report, parts);
  }
  return settleLate(order, report, parts);
}

// It was given up and another may be in its place: it must not go on working, and what it has filled must be known.
async function settleLate(
  order: OpenOrder,
  report: OrderReport,
  { broker, ...parts }: Parts & { readonly memory: Memory },
): Promise<Settled> {
  const { records, clock, memory } = parts;
  const text = `${describeOrder(order)} was declared not placed, and is order ${report.venueOrderId} at the broker`;
  const at = clock.now();
  const isWorking = report.state === 'working' || report.state === 'unknown';
  await records.alert({ key: `order ${order.intent_id} late`, severity: 'critical', text, at });
  if (order.purpose === 'entry') await records.halt(at, text);
  if (isWorking) await broker.cancel(report.venueOrderId);
  // What works on is read, and canceled, again.
  else memory.late.add(report.venueOrderId);
  return settle(order, report, parts);
}

async function countMiss(
  order: OpenOrder,
  { reports, positions, held, now }: Looked,
  { records, clock, memory, onEvent }: Parts & { readonly memory: Memory },
): Promise<Settled> {
  const probe = memory.probes.get(order.intent_id) ?? beginProbe(order.ts_state);
  // Not its turn; another's look is no look for it, or the two would not be apart.
  if (probe.nextAt > now) return NOTHING;
  const isUnchanged =
    reports !== null &&
    positions !== null &&
    order.legs.every(({ symbol }) => qtyOf(positions, symbol) === qtyOf(held, symbol));
  const next = isUnchanged ? missed(probe, order, now) : lookedInVain(probe, now);
  if (next !== null) {
    memory.probes.set(order.intent_id, next);
    return NOTHING;
  }
  const detail = 'not found at the broker';
  onEvent('order not found', { intent_id: order.intent_id, order: describeOrder(order), detail });
  const at = clock.now();
  await records.event({ order, at, state: 'canceled', detail });
  memory.probes.delete(order.intent_id);
  memory.declared.set(order.intent_id, { ...order, state: 'canceled', ts_state: at });
  return { ...NOTHING, isChanged: true };
}

function qtyOf(
  positions: readonly { readonly symbol: string; readonly qty: number }[],
  symbol: string,
): number {
  return positions.reduce((sum, each) => sum + (each.symbol === symbol ? each.qty : 0), 0);
}
