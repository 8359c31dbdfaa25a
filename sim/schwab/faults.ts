// How the simulated Schwab misbehaves: faults that a test scripts request by request, or that a seed scatters over them.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { randomStream } from '../random.ts';

export const OPERATIONS = [
  'GET authorize',
  'POST token',
  'GET accountNumbers',
  'GET accounts',
  'GET account',
  'GET orders',
  'GET all orders',
  'POST order',
  'GET order',
  'PUT order',
  'DELETE order',
  'POST previewOrder',
  'GET transactions',
  'GET transaction',
  'GET userPreference',
  'GET quotes',
  'GET chains',
  'GET expirationchain',
  'GET markets',
  'WS LOGIN',
  'WS SUBS',
  'WS ADD',
  'WS UNSUBS',
  'WS VIEW',
  'WS LOGOUT',
  'WS activity',
  'WS quote',
  'WS heartbeat',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** `accept`: the request takes effect all the same. */
export type Fault =
  // Any request.
  | { readonly kind: 'hang'; readonly accept: boolean; readonly acceptAfterMs?: number }
  | { readonly kind: 'reset'; readonly accept: boolean }
  | { readonly kind: 'html'; readonly status: 500 | 502 | 503 | 504; readonly accept: boolean }
  /** An Apigee fault; nothing takes effect. */
  | { readonly kind: 'fault_json' }
  /** The plain 404 of an outage. */
  | { readonly kind: 'no_route' }
  | { readonly kind: 'rate_limit'; readonly retryAfterS: number | null; readonly hasBody: boolean }
  | { readonly kind: 'unauthorized' }
  /** The tokens die, and the request is answered accordingly. */
  | { readonly kind: 'token_death'; readonly token: 'access' | 'refresh' }
  /** Half of the JSON: as a whole answer, or with the connection cut in the middle. */
  | { readonly kind: 'half_body'; readonly isCut: boolean }
  /** Takes effect at once and is answered late. */
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'access_denied' }
  // POST and PUT of an order.
  | { readonly kind: 'no_location' }
  | { readonly kind: 'relative_location' }
  /** Another order of the account, or one that does not exist where there is none. */
  | { readonly kind: 'wrong_location'; readonly orderId?: number }
  | { readonly kind: 'reject'; readonly reason?: string }
  | { readonly kind: 'list_lag'; readonly ms: number; readonly byId?: boolean }
  | { readonly kind: 'positions_lag'; readonly ms: number }
  | { readonly kind: 'report_lag'; readonly ms: number }
  | { readonly kind: 'partial'; readonly qtys: readonly number[] }
  // PUT: the old order fills first. DELETE: it fills before, or is reported filled `lagMs` after it was reported canceled.
  | { readonly kind: 'fill_during_replace'; readonly qty?: number }
  | { readonly kind: 'fill_during_cancel'; readonly qty?: number }
  | { readonly kind: 'fill_after_cancel'; readonly qty?: number; readonly lagMs: number }
  | { readonly kind: 'cancel_refused' }
  // GET: the answer of so long ago.
  | { readonly kind: 'stale'; readonly ms: number }
  // The streamer. `drop` before the message, `lose` the message, `repeat` it.
  | { readonly kind: 'code'; readonly code: number; readonly msg?: string }
  | { readonly kind: 'drop' }
  | { readonly kind: 'lose' }
  | { readonly kind: 'repeat' };

export interface Misbehaviour {
  readonly seed: number;
  /** Share of requests and messages that meet a fault, 0 to 1. */
  readonly rate: number;
  readonly faults: readonly Fault[];
  /** Where; default everywhere that a fault makes sense. */
  readonly operations?: readonly Operation[];
}

export interface InjectedFault {
  readonly at: EasternUs;
  readonly operation: Operation;
  readonly fault: Fault;
}

const ORDER_REQUESTS: readonly Operation[] = ['POST order', 'PUT order'];
const READS: readonly Operation[] = [
  'GET orders',
  'GET all orders',
  'GET order',
  'GET accounts',
  'GET account',
];
const MESSAGES: readonly Operation[] = ['WS activity', 'WS quote', 'WS heartbeat'];
const EMPTY_ANSWERS: readonly Operation[] = ['GET authorize', 'POST order', 'PUT order', 'DELETE order'];

/** True where the fault makes sense. */
export function applies(fault: Fault, operation: Operation): boolean {
  const isStream = operation.startsWith('WS ');
  switch (fault.kind) {
    case 'code':
      return isStream && !MESSAGES.includes(operation);
    case 'drop':
    case 'lose':
    case 'repeat':
      return MESSAGES.includes(operation);
    case 'access_denied':
      return operation === 'POST token' || operation === 'GET authorize';
    case 'fill_during_cancel':
    case 'fill_after_cancel':
    case 'cancel_refused':
      return operation === 'DELETE order';
    case 'fill_during_replace':
      return operation === 'PUT order';
    case 'no_location':
    case 'relative_location':
    case 'wrong_location':
    case 'reject':
    case 'list_lag':
    case 'positions_lag':
    case 'report_lag':
    case 'partial':
      return ORDER_REQUESTS.includes(operation);
    case 'stale':
      return READS.includes(operation);
    case 'half_body':
      return !isStream && !EMPTY_ANSWERS.includes(operation);
    default:
      return !isStream;
  }
}

export interface Script {
  /** The next requests of this kind meet this fault, in the order in which faults were given. Throws where it makes no sense. */
  next(operation: Operation, fault: Fault, times?: number): void;
  /** Every request of this kind from now on, after those of `next`; null ends it. */
  always(operation: Operation, fault: Fault | null): void;
  /** Scatters faults by seed; null ends it. The draws of one operation do not depend on the requests of another. */
  misbehave(misbehaviour: Misbehaviour | null): void;
  /** Forgets everything that is still to come. */
  clear(): void;
  /** What was injected so far. */
  injected(): readonly InjectedFault[];
}

/** A script, and `take`, which the server calls once for every request and message. */
export function createScript(clock: Clock): Script & { take(operation: Operation): Fault | null } {
  const queues = new Map<Operation, Fault[]>();
  const standing = new Map<Operation, Fault>();
  const log: InjectedFault[] = [];
  let draw: (operation: Operation) => Fault | null = () => null;
  const check = (operation: Operation, fault: Fault): void => {
    if (!OPERATIONS.includes(operation)) throw new Error(`no such operation: ${operation}`);
    if (!applies(fault, operation)) throw new Error(`${fault.kind} makes no sense for ${operation}`);
  };
  return {
    next: (operation, fault, times = 1) => {
      check(operation, fault);
      const queue = queues.get(operation) ?? [];
      queues.set(operation, [...queue, ...Array.from({ length: times }, () => fault)]);
    },
    always: (operation, fault) => {
      if (fault === null) {
        standing.delete(operation);
        return;
      }
      check(operation, fault);
      standing.set(operation, fault);
    },
    misbehave: (misbehaviour) => {
      draw = misbehaviour === null ? () => null : drawing(misbehaviour);
    },
    clear: () => {
      queues.clear();
      standing.clear();
      draw = () => null;
    },
    injected: () => log,
    take: (operation) => {
      const fault = queues.get(operation)?.shift() ?? standing.get(operation) ?? draw(operation);
      if (fault !== null) log.push({ at: clock.now(), operation, fault });
      return fault;
    },
  };
}

function drawing(misbehaviour: Misbehaviour): (operation: Operation) => Fault | null {
  const { seed, rate, faults, operations } = misbehaviour;
  const streams = new Map(
    OPERATIONS.map((operation) => [operation, randomStream(seed, 'misbehave', operation)]),
  );
  return (operation) => {
    const stream = streams.get(operation);
    if (stream === undefined || operations?.includes(operation) === false) return null;
    const possible = faults.filter((fault) => applies(fault, operation));
    if (possible.length === 0 || !stream.chance(rate)) return null;
    return possible[stream.int(0, possible.length - 1)] ?? null;
  };
}
