// How the simulated Tradier misbehaves: request by request as a test scripts it, or scattered by a seed.
import type { Clock } from '../../core/clock.ts';
import type { WireFault } from '../venue/http.ts';
import type { OrderFault } from '../venue/order_faults.ts';
import { createFaultScript, type FaultPlan, type FaultScript } from '../venue/script.ts';

export const OPERATIONS = [
  'GET expirations',
  'GET strikes',
  'GET chains',
  'GET quotes',
  'GET clock',
  'GET calendar',
  'GET profile',
  'GET balances',
  'GET positions',
  'GET orders',
  'GET order',
  'GET history',
  'POST order',
  'POST preview',
  'PUT order',
  'DELETE order',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export type Fault =
  | WireFault
  | OrderFault
  /** A fault of the gateway, in JSON; nothing takes effect. `expired`: the token; `datastore`: passes by itself. */
  | { readonly kind: 'gateway'; readonly what: 'expired' | 'datastore' }
  /** 429, or the 400 of old. */
  | { readonly kind: 'rate_limit'; readonly status: 429 | 400 }
  /** 401 `Invalid Access Token`, this once. */
  | { readonly kind: 'unauthorized' }
  /** HTTP 200, and errors; nothing takes effect. */
  | { readonly kind: 'errors'; readonly texts: readonly string[] }
  /** A 400 in plain text; nothing takes effect. */
  | { readonly kind: 'plain_400'; readonly text: string }
  /** Taken, and the answer names no order, or another one. */
  | { readonly kind: 'no_id' }
  | { readonly kind: 'wrong_id' }
  /** The report of a multileg order lacks its legs. */
  | { readonly kind: 'no_legs' };

export type Script = FaultScript<Operation, Fault>;
export type Misbehaviour = FaultPlan<Operation, Fault>;

/** True where the fault makes sense. */
export function applies(fault: Fault, operation: Operation): boolean {
  switch (fault.kind) {
    case 'fill_during_cancel':
    case 'fill_after_cancel':
    case 'cancel_refused':
      return operation === 'DELETE order';
    case 'fill_during_replace':
      return operation === 'PUT order';
    case 'no_id':
    case 'wrong_id':
      return operation === 'POST order' || operation === 'PUT order';
    case 'reject':
    case 'list_lag':
    case 'positions_lag':
    case 'report_lag':
    case 'partial':
      return operation === 'POST order';
    case 'stale':
      return operation.startsWith('GET ');
    case 'no_legs':
      return operation === 'GET order' || operation === 'GET orders';
    default:
      return true;
  }
}

/** A script, and `take`, which the server calls once for every request. */
export function createScript(clock: Clock): Script & { take(operation: Operation): Fault | null } {
  return createFaultScript<Operation, Fault>(clock, { operations: OPERATIONS, applies });
}
