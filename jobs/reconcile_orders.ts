// Finds out what became of our orders, and that the broker's positions are ours. It alone turns reports into fills.
import { type Clock, systemClock } from '../core/clock.ts';
import { errorText, Failure } from '../core/failure.ts';
import type { LastingConnection } from '../db/lasting_connection.ts';
import type { Broker } from './brokers/broker.ts';
import { keepStatements } from './keep_statements.ts';
import { accountConnection, heartbeatOf, hint, type OpenConnection } from './orders/account_connection.ts';
import { ORDERS_CHANNEL, RECONCILE_CHANNEL } from './orders/channels.ts';
import type { OnOrderEvent } from './orders/events.ts';
import { type Fault, NO_FAULT } from './orders/fault.ts';
import { createForeignWatch } from './orders/foreign_orders.ts';
import { type PassParts, type PassResult, runPass } from './orders/pass.ts';
import { createReadBudget } from './orders/read_budget.ts';
import { isFenceLost, orderRecords } from './orders/records.ts';
import { createSchedule } from './orders/schedule.ts';
import { unknownOrders } from './orders/unknown_orders.ts';
import { createWaker, type Waker } from './orders/waker.ts';

interface Reads {
  readonly perMinute: number;
  readonly burst: number;
}

export interface ReconcileOptions {
  readonly url: string;
  readonly account: string;
  readonly broker: Broker;
  readonly clock: Clock;
  /** Reads at the broker within a minute of the clock, and at once; default 60 and 20. */
  readonly reads?: Reads;
  readonly fault?: Fault;
  readonly onEvent?: OnOrderEvent;
  /** Default: a new connection of its own. */
  readonly open?: OpenConnection;
}

export interface Reconciler {
  /** Does what is due now. */
  pass(): Promise<PassResult>;
  /** Sleeps until a hint, for `ms` of the clock at most. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
  /** Makes everything due, as a hint of the broker's does. */
  hurry(): void;
  close(): Promise<void>;
}

const READS = { perMinute: 60, burst: 20 };
const MAX_REST_MS = 1000;
const MIN_REST_MS = 20;
const CLOSE_MS = 2000;
const wallClock = systemClock();

/** Reconciles the account until the signal is aborted, and its books in the evening. Throws a Failure when another process does. */
export async function reconcileOrders(
  options: ReconcileOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  const reconciler = await openReconciler(options);
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= reconciler.close();
    return closing;
  };
  // A pass goes on to its end, unless it waits for a broker or a database that does not answer.
  const late = new AbortController();
  const onAbort = (): void => void wallClock.sleep(CLOSE_MS, late.signal).then(close, () => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  // Beside the passes: a broker that is slow to show its books must not hold up its orders.
  const over = new AbortController();
  void keepStatements({ ...options, signal: AbortSignal.any([signal, over.signal]) });
  try {
    while (!signal.aborted) {
      const { nextMs } = await reconciler.pass();
      await reconciler.rest(Math.min(Math.max(nextMs, MIN_REST_MS), MAX_REST_MS), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    over.abort();
    late.abort();
    await close();
  }
}

/** Takes the account's reconciliation; the first pass reads everything. */
export async function openReconciler(options: ReconcileOptions): Promise<Reconciler> {
  const { account, broker, clock } = options;
  const waker = createWaker();
  const giveUp = new AbortController();
  const schedule = createSchedule();
  const connection = await openConnection(options, {
    waker,
    giveUp,
    hurry: () => schedule.hurry(clock.now()),
  });
  const parts = wire(options, connection, schedule);
  const beat = heartbeatOf(connection, `reconcile-${account}`);
  const hurry = (): void => {
    schedule.hurry(clock.now());
    schedule.wantPositions(0, clock.now());
    waker.wake();
  };
  const forget = broker.onHint(hurry);
  return {
    pass: async () => {
      await beat(clock.now(), 'reconciling', '');
      const result = await passOnce(parts);
      // What has changed may have been waited for.
      if (result.changes > 0) await hint(connection, ORDERS_CHANNEL, account);
      return result;
    },
    rest: (ms, signal) => waker.sleep(ms, { clock, signal }),
    hurry,
    close: async () => {
      forget();
      const late = setTimeout(() => giveUp.abort(), CLOSE_MS);
      await connection.end();
      clearTimeout(late);
    },
  };
}

function openConnection(
  { url, account, onEvent, open }: ReconcileOptions,
  by: { readonly waker: Waker; readonly giveUp: AbortController; readonly hurry: () => void },
): Promise<LastingConnection> {
  return accountConnection({
    ...{ url, account, lock: 'trade.reconcile', name: 'reconcile', channel: RECONCILE_CHANNEL },
    onHint: () => {
      by.hurry();
      by.waker.wake();
    },
    onLoss: (error) => onEvent?.('database lost', { reason: errorText(error) }),
    ...{ signal: by.giveUp.signal, open },
  });
}

function wire(
  options: ReconcileOptions,
  connection: LastingConnection,
  schedule: PassParts['schedule'],
): PassParts {
  const { account, broker, clock, fault = NO_FAULT, onEvent = () => undefined } = options;
  const records = orderRecords(connection, account);
  const settling = { records, clock, fault, onEvent };
  const reads = options.reads ?? options.broker.reads ?? READS;
  return {
    ...{ ...settling, account, broker, schedule },
    budget: createReadBudget(reads, clock),
    exitBudget: createReadBudget(exitReadsOf(reads), clock),
    unknown: unknownOrders({ ...settling, broker }),
    foreign: createForeignWatch(),
    memory: { doubt: null, failingSince: null, missing: new Map(), uneven: new Map() },
  };
}

/** Of reads that exits wait for, beside the others: a share that they cannot spend, and that cannot keep them from being read. */
function exitReadsOf({ perMinute, burst }: Reads): Reads {
  return { perMinute: perMinute / 3, burst: Math.max(1, Math.floor(burst / 2)) };
}

async function passOnce(parts: PassParts): Promise<PassResult> {
  // Whoever takes the account over in the middle of a pass has its epoch read by the next.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runPass(parts);
    } catch (error) {
      if (!isFenceLost(error)) throw error;
      if (attempt === 3) {
        throw new Failure('the account is taken over again and again while it is being reconciled', {
          hint: 'Is a process that sends orders being restarted all the time?',
          cause: error,
        });
      }
    }
  }
}
