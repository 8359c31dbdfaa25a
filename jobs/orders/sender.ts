// One order from intent to outcome: committed, sent once, its outcome recorded. Nothing here sends anything twice.
import { type Clock, systemClock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import type { Broker, SendOutcome, SubmitOptions } from '../brokers/broker.ts';
import type { Alert } from './alerts.ts';
import { brokerOrderOf, clientIdOf, describeOrder } from './broker_order.ts';
import type { OnOrderEvent } from './events.ts';
import type { Fault } from './fault.ts';
import { isOvertaken, type OrderEvent, type OrderRecords, type WorkItem } from './records.ts';
import type { SendGate } from './send_gate.ts';

export interface SenderParts {
  readonly records: OrderRecords;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly gate: SendGate;
  readonly fault: Fault;
  readonly onEvent: OnOrderEvent;
  /** Why the order may not be sent; null if it may. */
  readonly problemOf: (item: WorkItem) => Promise<string | null>;
  /** True once nothing more is to be sent. */
  readonly isStopping: () => boolean;
  /** True once outcomes are no longer recorded. */
  readonly isClosed: () => boolean;
  /** Told when an order's request was handed to its connection. */
  readonly onWritten: (intentId: number, at: EasternUs) => void;
}

// Whoever stood still for longer may have been replaced meanwhile, and what it was about to send may be settled already.
const SEND_WITHIN_MS = { entry: 1000, exit: 5000, protect: 5000 } as const;
// An adapter may wait for a token, an account or a preview first: so much later, at most, the request itself leaves.
const LEAVE_WITHIN_MS = { entry: 3000, exit: 10_000, protect: 10_000 } as const;
// No adapter takes as long; one that did would block its position for ever.
const PATIENCE_MS = 45_000;
const wallClock = systemClock();

/** Sends the order if nothing speaks against it, and records what became of it. `seenAt` is performance.now() of the look at it. */
export async function sendOrder(item: WorkItem, seenAt: number, parts: SenderParts): Promise<void> {
  const { records, clock, gate, fault, onEvent } = parts;
  const problem = await parts.problemOf(item);
  if (parts.isStopping()) return;
  if (problem !== null) return deny(item, problem, parts);
  fault('before_submit_event', item.purpose);
  const at = clock.now();
  const { isNew, attempt } = await records.event({ order: item, at, state: 'submitted', qty: item.qty });
  if (!isNew && attempt === 1)
    throw new Error(`order ${item.intent_id} was listed as unsent, and is submitted`);
  gate.commit(item.intent_id);
  fault('after_submit_event', item.purpose);
  const obstacle = obstacleOf(item, { seenAt, attempt });
  if (obstacle !== null) {
    gate.withhold(item.intent_id);
    return record(item, { kind: 'not_sent', reason: obstacle }, parts);
  }
  const refusal = gate.pass(item.intent_id, item.purpose === 'entry');
  if (refusal !== null) return stopEntries(item, refusal, parts);
  onEvent('order sent', { intent_id: item.intent_id, order: describeOrder(item) });
  const clientId = clientIdOf({ intent_id: item.intent_id, ts_submitted: at });
  const outcome = await submit(item, { clientId, seenAt }, parts);
  fault('after_send', item.purpose);
  if (!parts.isClosed()) await record(item, outcome, parts);
}

function obstacleOf(item: WorkItem, of: { seenAt: number; attempt: number }): string | null {
  // It may be minutes ago that it was decided.
  if (of.attempt > 1) return 'the database was lost while it was being committed';
  return tooLate(of.seenAt, SEND_WITHIN_MS[item.purpose]);
}

function tooLate(seenAt: number, withinMs: number): string | null {
  const elapsedMs = Math.round(performance.now() - seenAt);
  return elapsedMs <= withinMs ? null : `this process stood still for ${elapsedMs} ms`;
}

interface Sending {
  readonly clientId: string;
  readonly seenAt: number;
}

async function submit(
  item: WorkItem,
  { clientId, seenAt }: Sending,
  parts: SenderParts,
): Promise<SendOutcome> {
  const { broker, clock } = parts;
  const over = new AbortController();
  const late = wallClock.sleep(PATIENCE_MS, over.signal).then(
    (): SendOutcome => ({
      kind: 'unknown',
      reason: `no outcome within ${PATIENCE_MS / 1000} s`,
    }),
  );
  const priority = item.purpose === 'entry' ? 'entry' : 'exit';
  const about: SubmitOptions = {
    ...{ clientId, priority },
    onWritten: () => parts.onWritten(item.intent_id, clock.now()),
    onPreview: (preview) => parts.records.preview(item, clock.now(), preview),
    // Once its outcome is recorded as unknown it must not leave any more, nor once nobody records what becomes of it.
    obstacle: () =>
      over.signal.aborted || parts.isClosed()
        ? 'it was given up'
        : tooLate(seenAt, LEAVE_WITHIN_MS[item.purpose]),
  };
  try {
    return await Promise.race([broker.submit(brokerOrderOf(item), about), late]);
  } catch (error) {
    // An adapter does not throw; one that did all the same may have sent it.
    return { kind: 'unknown', reason: errorText(error) };
  } finally {
    over.abort();
  }
}

async function deny(item: WorkItem, reason: string, { records, clock, onEvent }: SenderParts): Promise<void> {
  const at = clock.now();
  const alert = alertOf(item, 'denied', `${describeOrder(item)} was not sent: ${reason}`, at);
  onEvent('order denied', { intent_id: item.intent_id, order: describeOrder(item), reason });
  await records.drop(item, at, { state: 'denied', reason, alert });
}

// Its event is committed, so it is not denied but canceled.
async function stopEntries(item: WorkItem, reason: string, parts: SenderParts): Promise<void> {
  parts.onEvent('entries stopped', { intent_id: item.intent_id, reason });
  parts.gate.withhold(item.intent_id);
  await parts.records.halt(parts.clock.now(), `orders are out of step: ${reason}`);
  await record(item, { kind: 'not_sent', reason }, parts);
}

/** Records an outcome. That the order stands further already, by what reconcile has read, is no error. */
export async function record(item: WorkItem, outcome: SendOutcome, parts: SenderParts): Promise<void> {
  const { records, clock, fault, onEvent } = parts;
  const { event, alert, name } = eventOf(item, outcome, clock.now());
  onEvent(name, { intent_id: item.intent_id, ...outcome });
  try {
    await records.event(event, alert);
  } catch (error) {
    if (!isOvertaken(error)) throw error;
    onEvent('order overtaken', { intent_id: item.intent_id, state: event.state });
    if (outcome.kind === 'submitted') await recallUnlessKnown(item, outcome.venueOrderId, parts);
  }
  if (outcome.kind === 'submitted') fault('after_accept_recorded', item.purpose);
}

/** An order that the broker has and that is recorded as ended, under no id of its own, would be watched by nobody. */
async function recallUnlessKnown(item: WorkItem, venueOrderId: string, parts: SenderParts): Promise<void> {
  const { records, broker, clock, onEvent } = parts;
  if (await records.knowsOrder(item, venueOrderId)) return;
  const at = clock.now();
  const { kind } = await broker.cancel(venueOrderId);
  onEvent('order recalled', { intent_id: item.intent_id, venue_order_id: venueOrderId, cancel: kind });
  const text = `${describeOrder(item)} is recorded as ended, but the broker took it as order ${venueOrderId}`;
  await records.halt(at, text);
  const told = `${text}; its cancel was ${kind === 'requested' ? 'asked for' : 'not taken'}: look there whether it filled`;
  await records.alert({ key: `order ${item.intent_id} recalled`, severity: 'critical', text: told, at });
}

interface Recorded {
  readonly event: OrderEvent;
  readonly alert?: Alert;
  readonly name: Parameters<OnOrderEvent>[0];
}

function eventOf(item: WorkItem, outcome: SendOutcome, at: Alert['at']): Recorded {
  const order = item;
  const text = describeOrder(item);
  switch (outcome.kind) {
    case 'submitted':
      return {
        name: 'order accepted',
        event: { order, at, state: 'accepted', venueOrderId: outcome.venueOrderId },
      };
    case 'rejected':
      return {
        name: 'order rejected',
        event: { order, at, state: 'rejected', detail: outcome.reason },
        alert: alertOf(item, 'rejected', `the broker rejected ${text}: ${outcome.reason}`, at),
      };
    case 'unknown':
      return {
        name: 'order unknown',
        event: { order, at, state: 'unknown', detail: outcome.reason },
        alert: alertOf(
          item,
          'unknown',
          `it is not known whether the broker has ${text}: ${outcome.reason}`,
          at,
        ),
      };
    case 'not_sent':
      return {
        name: 'order not sent',
        event: { order, at, state: 'canceled', detail: `not sent: ${outcome.reason}` },
        alert: alertOf(item, 'not sent', `${text} was not sent: ${outcome.reason}`, at),
      };
  }
}

function alertOf(item: WorkItem, what: string, text: string, at: Alert['at']): Alert {
  // An entry that is not made costs nothing.
  const severity = item.purpose === 'entry' && what !== 'unknown' ? 'warning' : 'critical';
  return { key: `order ${item.intent_id} ${what}`, severity, text, at };
}
