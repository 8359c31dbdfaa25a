// Sends what the rules have written: every intent at most once, exits never behind entries, and nothing while the database is away.
import { type Clock, systemClock } from '../core/clock.ts';
import type { EasternUs } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import type { LastingConnection } from '../db/lasting_connection.ts';
import type { Broker } from './brokers/broker.ts';
import { type BytesSampler, bytesSampler } from './latency.ts';
import { accountConnection, heartbeatOf, hint, type OpenConnection } from './orders/account_connection.ts';
import { type Canceller, createCanceller } from './orders/canceller.ts';
import { type Ceilings, ceilingsOf } from './orders/ceilings.ts';
import { ORDERS_CHANNEL, RECONCILE_CHANNEL } from './orders/channels.ts';
import { dropOrder } from './orders/drop.ts';
import type { OnOrderEvent } from './orders/events.ts';
import { type Fault, NO_FAULT } from './orders/fault.ts';
import { findProblem } from './orders/problems.ts';
import { isFenceLost, orderRecords, type WorkItem } from './orders/records.ts';
import { type Counters, createSendGate } from './orders/send_gate.ts';
import { record, type SenderParts, sendOrder } from './orders/sender.ts';
import { createWaker, type Waker } from './orders/waker.ts';

export interface SubmitOptions {
  readonly url: string;
  readonly account: string;
  readonly broker: Broker;
  /** What stands for the account at the broker: no other process may send orders to it, under whatever name. */
  readonly brokerAccount?: string;
  readonly clock: Clock;
  /** May only lower those that are compiled in. */
  readonly ceilings?: Partial<Ceilings>;
  readonly fault?: Fault;
  readonly onEvent?: OnOrderEvent;
  /** Default: a new connection of its own. */
  readonly open?: OpenConnection;
}

export interface FollowOptions {
  /** Ends it: nothing more is sent, answers under way are waited for, at most four seconds. */
  readonly signal: AbortSignal;
  /** Clock time between two looks when no hint comes; default 50. */
  readonly pollMs?: number;
}

export interface Submitter {
  /** Of this process in trade.fences. */
  readonly epoch: number;
  /** Begins what trade.order_work lists; answers are not waited for. Throws a Failure when the account was taken over. */
  step(): Promise<void>;
  /** Resolves when everything begun has been answered and recorded. */
  settled(): Promise<void>;
  /** Sleeps until a hint, for `ms` of the clock at most. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
  counters(): Counters;
  /** Waits for answers for four seconds, records them, and lets go of the account. */
  close(): Promise<void>;
}

const POLL_MS = 50;
const CLOSE_MS = 4000;
const GIVE_UP_MS = 1000;
const wallClock = systemClock();

/** Sends the account's orders until the signal is aborted. Throws a Failure when another process sends them, or takes over. */
export async function submitOrders(options: SubmitOptions & FollowOptions): Promise<void> {
  const { signal, pollMs = POLL_MS } = options;
  const submitter = await openSubmitter(options);
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= submitter.close();
    return closing;
  };
  // At once: a step that waits for a lost database would never come back to look at the signal.
  const onAbort = (): void => void close().catch(() => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (!signal.aborted) {
      await submitter.step();
      await submitter.rest(pollMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await close();
  }
}

interface Parts extends SenderParts {
  readonly account: string;
  readonly connection: LastingConnection;
  readonly canceller: Canceller;
  readonly waker: Waker;
  readonly giveUp: AbortController;
  readonly state: State;
  readonly sampler: BytesSampler;
}

interface State {
  isStopping: boolean;
  isClosed: boolean;
  /** What ended it. */
  failure: { readonly error: unknown } | null;
  /** By position: one order of each is under way at most. */
  readonly sending: Map<number, { readonly item: WorkItem; readonly done: Promise<void> }>;
  /** Intents that this process has begun: none is begun again. */
  readonly begun: Set<number>;
}

/** Takes the account and its fence. What an earlier process left without an answer becomes unknown. */
export async function openSubmitter(options: SubmitOptions): Promise<Submitter> {
  const { account, clock } = options;
  const parts = await wire(options, clock.now());
  const { records, connection, gate, state, waker, canceller, sampler } = parts;
  const beat = heartbeatOf(connection, `orders-${account}`);
  let epoch: number;
  try {
    epoch = await records.takeFence(`orders process ${process.pid}`, clock.now());
    await disownUnanswered(parts);
  } catch (error) {
    await connection.end();
    throw explained(error, account);
  }
  return {
    epoch,
    step: async () => {
      if (state.failure !== null) throw state.failure.error;
      try {
        const isNewSecond = await beat(
          clock.now(),
          'sending',
          `epoch ${epoch}, ${gate.counters().sent} sent`,
        );
        // Also where nothing is to be written, which would be refused.
        if (isNewSecond && !(await records.holdsFence())) throw takenOver(account);
        await beginAll(parts);
        // What was measured may be lost; the orders may not be held up by it.
        if (isNewSecond) await connection.run(sampler.store).catch(() => undefined);
      } catch (error) {
        throw explained(error, account);
      }
    },
    settled: async () => {
      await Promise.all([answersOf(state), canceller.settled()]);
      if (state.failure !== null) throw state.failure.error;
    },
    rest: (ms, signal) => waker.sleep(ms, { clock, signal }),
    counters: gate.counters,
    close: () => closeSubmitter(parts),
  };
}

async function wire(options: SubmitOptions, since: EasternUs): Promise<Parts> {
  const { url, account, broker, clock, fault = NO_FAULT, onEvent = () => undefined } = options;
  const ceilings = ceilingsOf(options.ceilings);
  const waker = createWaker();
  const giveUp = new AbortController();
  const connection = await accountConnection({
    ...{ url, account, lock: 'trade.orders', name: 'orders', channel: ORDERS_CHANNEL },
    brokerAccount: options.brokerAccount,
    onHint: waker.wake,
    onLoss: (error) => onEvent('database lost', { reason: errorText(error) }),
    signal: giveUp.signal,
    open: options.open,
  });
  const records = orderRecords(connection, account);
  const gate = createSendGate();
  const state: State = {
    ...{ isStopping: false, isClosed: false, failure: null },
    ...{ sending: new Map(), begun: new Set() },
  };
  const announce = (): void => {
    if (!state.isClosed) hint(connection, RECONCILE_CHANNEL, account).catch(() => undefined);
  };
  const sampler = bytesSampler(clock);
  const judging = { account, connection, records, gate, ceilings, clock, since };
  return {
    ...{ account, connection, records, broker, clock, gate, fault, onEvent, waker, giveUp, state },
    problemOf: (item) => findProblem(item, judging),
    isStopping: () => state.isStopping,
    isClosed: () => state.isClosed,
    ...{ sampler, onWritten: sampler.note },
    canceller: createCanceller({ broker, clock, onEvent, onAsked: announce }),
  };
}

async function disownUnanswered({ records, clock }: Parts): Promise<void> {
  const at = clock.now();
  for (const order of await records.openOrders(at)) {
    if (order.state !== 'submitted' || order.venue_order_id !== null) continue;
    await records.event({ order, at, state: 'unknown', detail: 'the process that sent it has ended' });
  }
}

async function beginAll(parts: Parts): Promise<void> {
  const { records, clock, canceller, state } = parts;
  const { items, seenAt } = await records.work(clock.now);
  for (const item of items) {
    if (state.isStopping) return;
    // The look may be older than what this process has begun since: that is on its way, and nobody's to drop.
    if (item.action === 'drop') {
      if (!state.begun.has(item.intent_id)) await dropOrder(item, parts);
    } else if (item.action === 'cancel') canceller.ask(item);
    else begin(item, seenAt, parts);
  }
}

function begin(item: WorkItem, seenAt: number, parts: Parts): void {
  const { state, waker, account } = parts;
  const { position_id, intent_id } = item;
  if (state.sending.has(position_id) || state.begun.has(intent_id)) return;
  state.begun.add(intent_id);
  const done = sendOrder(item, seenAt, parts)
    .then(() => (state.isClosed ? undefined : hint(parts.connection, RECONCILE_CHANNEL, account)))
    .catch((error: unknown) => {
      if (!state.isClosed) state.failure ??= { error: explained(error, account) };
    })
    .finally(() => {
      state.sending.delete(position_id);
      // What waited for this one may begin.
      waker.wake();
    });
  state.sending.set(position_id, { item, done });
}

async function answersOf({ sending }: State): Promise<void> {
  await Promise.all([...sending.values()].map(({ done }) => done));
}

async function closeSubmitter(parts: Parts): Promise<void> {
  const { state, connection, giveUp, canceller } = parts;
  state.isStopping = true;
  await within(CLOSE_MS, Promise.all([answersOf(state), canceller.settled()]));
  const unanswered = [...state.sending.values()].map(({ item }) => item);
  state.isClosed = true;
  // A database that is away now is not waited for: the next process finds these orders without an answer.
  const late = setTimeout(() => giveUp.abort(), GIVE_UP_MS);
  const outcome = { kind: 'unknown', reason: 'the process was stopped before the answer came' } as const;
  const leaving = async (): Promise<void> => {
    for (const item of unanswered) await record(item, outcome, parts).catch(() => undefined);
    await connection.end();
  };
  await within(2 * GIVE_UP_MS, leaving());
  clearTimeout(late);
}

/** Waits for the work, but no longer than that (real time). */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, wallClock.sleep(ms, over.signal)]);
  over.abort();
}

function explained(error: unknown, account: string): unknown {
  return isFenceLost(error) ? takenOver(account, error) : error;
}

function takenOver(account: string, cause?: unknown): Failure {
  return new Failure(`another process has taken over the orders of account ${account}`, {
    hint: 'This one has stopped sending. What it had under way is settled by `strikebase orders reconcile`.',
    cause,
  });
}
