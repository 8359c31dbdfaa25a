// How the simulated Schwab misbehaves: faults that a test scripts request by request, or that a seed scatters over them.
import type { Clock } from '../../core/clock.ts';
import type { WireFault } from '../venue/http.ts';
import type { OrderFault } from '../venue/order_faults.ts';
import { createFaultScript, type FaultPlan, type FaultScript, type Injected } from '../venue/script.ts';

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
  | WireFault
  | OrderFault
  /** An Apigee fault; nothing takes effect. */
  | { readonly kind: 'fault_json' }
  /** The plain 404 of an outage. */
  | { readonly kind: 'no_route' }
  | { readonly kind: 'rate_limit'; readonly retryAfterS: number | null; readonly hasBody: boolean }
  | { readonly kind: 'unauthorized' }
  /** The tokens die, and the request is answered accordingly. */
  | { readonly kind: 'token_death'; readonly token: 'access' | 'refresh' }
  | { readonly kind: 'access_denied' }
  // POST and PUT of an order.
  | { readonly kind: 'no_location' }
  | { readonly kind: 'relative_location' }
  /** Another order of the account, or one that does not exist where there is none. */
  | { readonly kind: 'wrong_location'; readonly orderId?: number }
  // The streamer. `drop` before the message, `lose` the message, `repeat` it.
  | { readonly kind: 'code'; readonly code: number; readonly msg?: string }
  | { readonly kind: 'drop' }
  | { readonly kind: 'lose' }
  | { readonly kind: 'repeat' };

export type Misbehaviour = FaultPlan<Operation, Fault>;
export type InjectedFault = Injected<Operation, Fault>;
export type Script = FaultScript<Operation, Fault>;

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

/** A script, and `take`, which the server calls once for every request and message. */
export function createScript(clock: Clock): Script & { take(operation: Operation): Fault | null } {
  return createFaultScript<Operation, Fault>(clock, { operations: OPERATIONS, applies });
}
