// A broker's report of one of our orders, recorded: its fills first, then its state. Recording it twice changes nothing.
import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/failure.ts';
import { isConnectionLoss } from '../../db/connection_loss.ts';
import type { BrokerFill, OrderReport } from '../brokers/broker.ts';
import { describeOrder, isSameTrade } from './broker_order.ts';
import type { OnOrderEvent } from './events.ts';
import type { Fault } from './fault.ts';
import { isFenceLost, isOverfilled, type OpenOrder, type OrderRecords, type OrderState } from './records.ts';

export interface SettleParts {
  readonly records: OrderRecords;
  readonly clock: Clock;
  readonly fault: Fault;
  readonly onEvent: OnOrderEvent;
}

export interface Settled {
  /** Fills that were new. */
  readonly newFills: number;
  readonly isChanged: boolean;
  /** What cannot be right, and was not recorded; null as a rule. */
  readonly problem: string | null;
  /** How far each leg has filled, where some have filled further than others; null as a rule. */
  readonly uneven: string | null;
}

const ENDED: ReadonlySet<OrderState> = new Set(['filled', 'canceled', 'rejected', 'expired']);

/** True for states after which only late fills can come. */
export function hasEnded(state: OrderState): boolean {
  return ENDED.has(state);
}

/** Records the report. Whatever in it cannot be true halts entries and is told; the rest of the pass goes on. */
export async function settle(order: OpenOrder, told: OrderReport, parts: SettleParts): Promise<Settled> {
  const report = { ...told, fills: inOurLegs(order, told) };
  const mismatch = mismatchOf(order, report);
  if (mismatch !== null) return refuse(order, mismatch, parts);
  let newFills = 0;
  try {
    for (const fill of inOrder(report.fills)) newFills += (await recordFill(order, fill, parts)) ? 1 : 0;
    const isChanged = await recordStates(order, report, newFills, parts);
    return { newFills, isChanged: isChanged || newFills > 0, problem: null, uneven: unevenOf(report) };
  } catch (error) {
    if (isFenceLost(error) || isConnectionLoss(error)) throw error;
    const what = isOverfilled(error) ? 'fills more than was ordered' : errorText(error);
    return { ...(await refuse(order, what, parts)), newFills };
  }
}

async function refuse(order: OpenOrder, what: string, { records, clock }: SettleParts): Promise<Settled> {
  const problem = `the broker's report of ${describeOrder(order)} cannot be recorded: ${what}`;
  await records.halt(clock.now(), problem);
  return { newFills: 0, isChanged: false, problem, uneven: null };
}

// An id may have named another order from the start.
function mismatchOf(order: OpenOrder, { order: seen, venueOrderId, fills }: OrderReport): string | null {
  if (!isSameTrade(order, seen)) return `its order ${venueOrderId} is another one`;
  if (fills.some(({ legNo }) => legNo === 0)) return 'an execution is of none of its legs';
  const filled = Math.max(...filledByLeg(seen.legs.length, fills));
  return filled <= order.qty ? null : `${filled} of ${order.qty} contracts are filled`;
}

/** The report's fills under the numbers that their legs have here, 0 for none: a broker may tell legs in a sequence of its own. */
function inOurLegs({ legs }: OpenOrder, { order, fills }: OrderReport): readonly BrokerFill[] {
  return fills.map((fill) => {
    const symbol = order.legs[fill.legNo - 1]?.symbol;
    return { ...fill, legNo: legs.findIndex((leg) => leg.symbol === symbol) + 1 };
  });
}

function filledByLeg(legs: number, fills: readonly BrokerFill[]): readonly number[] {
  return Array.from({ length: legs }, (_, index) =>
    fills.reduce((sum, { legNo, qty }) => (legNo === index + 1 ? sum + qty : sum), 0),
  );
}

// Spreads fill as one: a leg that is ahead of another is on its way to be told, or should never have been.
function unevenOf({ order, fills }: OrderReport): string | null {
  const filled = filledByLeg(order.legs.length, fills);
  if (filled.every((qty) => qty === filled[0])) return null;
  return `${filled.join(' and ')} of ${order.qty} contracts of its legs are filled`;
}

function inOrder(fills: readonly BrokerFill[]): BrokerFill[] {
  return [...fills].sort((a, b) => a.ts - b.ts || (a.executionId < b.executionId ? -1 : 1));
}

async function recordFill(order: OpenOrder, fill: BrokerFill, parts: SettleParts): Promise<boolean> {
  const { records, fault, onEvent } = parts;
  fault('before_fill_recorded', order.purpose);
  const isNew = await records.fill(order, fill);
  if (!isNew) return false;
  fault('after_fill_recorded', order.purpose);
  const { executionId: execution_id, qty, px_e4 } = fill;
  onEvent('fill recorded', { intent_id: order.intent_id, execution_id, qty, px_e4 });
  return true;
}

async function recordStates(
  order: OpenOrder,
  report: OrderReport,
  newFills: number,
  { records, clock, onEvent }: SettleParts,
): Promise<boolean> {
  const states = statesAfter(order, report, newFills);
  for (const state of states) {
    const detail = hasEnded(state) ? detailOf(report) : null;
    const at = clock.now();
    const venueOrderId = report.venueOrderId;
    // A reject that comes after the order was taken is told as one that came at once.
    const alert =
      state === 'rejected'
        ? {
            key: `order ${order.intent_id} rejected`,
            severity: order.purpose === 'entry' ? ('warning' as const) : ('critical' as const),
            text: `the broker rejected ${describeOrder(order)}: ${detail ?? 'without a reason'}`,
            at,
          }
        : undefined;
    await records.event({ order, at, state, venueOrderId, detail }, alert);
    onEvent('order settled', { intent_id: order.intent_id, venue_order_id: venueOrderId, state, detail });
  }
  return states.length > 0;
}

function detailOf({ state, detail }: OrderReport): string | null {
  return state === 'replaced' ? 'replaced at the broker, not by us' : detail;
}

/** The states to record for a report, in their order; none where it says nothing new. `newFills` are those just recorded. */
export function statesAfter(
  order: Pick<OpenOrder, 'state' | 'qty' | 'venue_order_id'>,
  report: OrderReport,
  newFills: number,
): readonly OrderState[] {
  const filled = Math.min(...filledByLeg(report.order.legs.length, report.fills));
  const hasFills = report.fills.length > 0;
  const told = targetOf(report, hasFills, filled === order.qty);
  // The state machine has no way from fills to a reject: what has filled stands, and the rest is no more.
  const target = told === 'rejected' && order.state === 'partially_filled' ? 'canceled' : told;
  if (order.state === 'filled') return [];
  if (hasEnded(order.state)) {
    // An older report than the one that ended it, or nothing new.
    if (newFills === 0 && target !== 'filled') return [];
    return target === 'filled' ? ['filled'] : ['partially_filled', ...(hasEnded(target) ? [target] : [])];
  }
  const isPartial = target === 'partially_filled';
  if (target === order.state) return isPartial && newFills > 0 ? ['partially_filled'] : [];
  if (target === 'accepted' && order.state === 'partially_filled') return [];
  if (hasFills && hasEnded(target) && target !== 'filled' && order.state !== 'partially_filled')
    return ['partially_filled', target];
  return [target];
}

function targetOf({ state }: OrderReport, hasFills: boolean, isFilled: boolean): OrderState {
  if (isFilled) return 'filled';
  const working = hasFills ? 'partially_filled' : 'accepted';
  switch (state) {
    case 'canceled':
    case 'replaced':
      return 'canceled';
    case 'expired':
      return 'expired';
    case 'rejected':
      return hasFills ? 'canceled' : 'rejected';
    default:
      // `filled` without all of its fills is read again; a state that the adapter does not know is no end.
      return working;
  }
}
