// What can happen to a session of spx_credit_vertical on chains that Tradier is asked for, with orders there.
import type { Fault, Operation } from '../../sim/tradier/faults.ts';
import { type BrokerFault, freeze, kill, type Repertoire, type VenueDeed } from './plan.ts';

export type PolledDeed =
  /** Everything that is asked of market data meets it, for so long. */
  | { readonly kind: 'outage'; readonly fault: Fault; readonly ms: number }
  | { readonly kind: 'token_refused' | 'odd_chains' };

export function isPolled(deed: VenueDeed): deed is PolledDeed {
  return deed.kind === 'outage' || deed.kind === 'token_refused' || deed.kind === 'odd_chains';
}

const DOWN: Fault = { kind: 'html', status: 503, accept: false };

const DEEDS: Repertoire['deeds'] = [
  ['F1', [kill('ingest-tradier'), kill('ingest-tradier'), kill('ingest-tradier')], 'snapshot'],
  ['F2', [kill('orders-submit'), kill('orders-reconcile'), kill('advance')], 'order'],
  ['F2', [kill('orders-submit'), kill('orders-reconcile'), kill('advance')], 'order'],
  ['F2', [kill('advance'), kill('orders-submit')], 'snapshot'],
  ['F2', [kill('ready'), kill('supervisor')]],
  ['F3', [{ kind: 'second_tree' }]],
  ['F4', [kill('database')], 'order'],
  ['F4', [kill('database')], 'snapshot'],
  ['F5', [freeze('database', 40_000)]],
  [
    'F6',
    [
      { kind: 'outage', fault: DOWN, ms: 420_000 },
      { kind: 'outage', fault: { kind: 'hang', accept: false }, ms: 120_000 },
    ],
  ],
  ['F7', [{ kind: 'skew' }]],
  ['F13', [{ kind: 'token_refused' }]],
  ['F15', [freeze('ingest-tradier', 90_000), freeze('advance', 20_000), freeze('orders-submit', 20_000)]],
  ['F17', [{ kind: 'odd_chains' }]],
  ['F18', [{ kind: 'by_hand' }]],
  ['F20', [{ kind: 'halt' }]],
];

/** Every process that trades and the database once, at an order where there is one: of a session of some minutes. */
const KILLS: Repertoire['deeds'] = [
  ['F2', [kill('orders-submit')], 'order'],
  ['F2', [{ kind: 'kill_together', victims: ['ingest-tradier', 'advance', 'orders-reconcile'] }]],
  ['F4', [kill('database')]],
];

const on =
  (operation: Operation) =>
  (id: string, fault: Fault): BrokerFault => ({ id, operation, fault });
const post = on('POST order');
const preview = on('POST preview');
const remove = on('DELETE order');

const ORDER_FAULTS: readonly BrokerFault[] = [
  post('F9', { kind: 'hang', accept: true }),
  post('F9', { kind: 'hang', accept: false }),
  post('F9', { kind: 'hang', accept: true, acceptAfterMs: 8000 }),
  post('F9', { kind: 'reset', accept: true }),
  post('F9', { kind: 'reset', accept: false }),
  post('F9', { kind: 'html', status: 502, accept: true }),
  post('F9', { kind: 'half_body', isCut: true }),
  post('F9', { kind: 'no_id' }),
  post('F9', { kind: 'wrong_id' }),
  post('F9', { kind: 'list_lag', ms: 5000 }),
  post('F9', { kind: 'positions_lag', ms: 5000 }),
  post('F9', { kind: 'report_lag', ms: 5000 }),
  post('F10', { kind: 'html', status: 503, accept: false }),
  post('F10', { kind: 'rate_limit', status: 429 }),
  post('F10', { kind: 'rate_limit', status: 400 }),
  post('F10', { kind: 'unauthorized' }),
  post('F10', { kind: 'errors', texts: ['OmsUnavailable'] }),
  post('F10', { kind: 'slow', ms: 4000 }),
  preview('F10', { kind: 'gateway', what: 'datastore' }),
  preview('F10', { kind: 'hang', accept: false }),
  post('F11', { kind: 'partial', qtys: [1] }),
  post('F11', { kind: 'partial', qtys: [1, 1] }),
  post('F12', { kind: 'reject', reason: 'insufficient buying power' }),
];

const CANCEL_FAULTS: readonly BrokerFault[] = [
  remove('F11', { kind: 'fill_during_cancel' }),
  remove('F11', { kind: 'fill_after_cancel', qty: 1, lagMs: 1500 }),
  remove('F11', { kind: 'cancel_refused' }),
  remove('F10', { kind: 'html', status: 500, accept: true }),
  remove('F10', { kind: 'hang', accept: false }),
];

/** Scattered over everything that is asked. */
export const READ_FAULTS: readonly Fault[] = [
  DOWN,
  { kind: 'gateway', what: 'datastore' },
  { kind: 'rate_limit', status: 429 },
  { kind: 'unauthorized' },
  { kind: 'half_body', isCut: true },
  { kind: 'half_body', isCut: false },
  { kind: 'reset', accept: false },
  { kind: 'slow', ms: 2500 },
  { kind: 'hang', accept: false },
  { kind: 'stale', ms: 4000 },
  { kind: 'no_legs' },
];

export const READS: readonly Operation[] = [
  ...(['GET expirations', 'GET chains', 'GET quotes', 'GET clock', 'GET calendar'] as const),
  ...(['GET balances', 'GET positions', 'GET orders', 'GET order'] as const),
];

export const MARKET_DATA: readonly Operation[] = ['GET expirations', 'GET chains', 'GET quotes', 'GET clock'];

const FAULTS = { orderFaults: ORDER_FAULTS, cancelFaults: CANCEL_FAULTS };

export const TRADIER_REPERTOIRE: Repertoire = {
  ...{ ...FAULTS, deeds: DEEDS },
  ...{ faultEveryMs: 6 * 60_000, marginMs: 40 * 60_000, isShuffled: true },
};

export const TRADIER_KILLS: Repertoire = {
  ...{ ...FAULTS, deeds: KILLS },
  ...{ faultEveryMs: 5 * 60_000, marginMs: 60_000, isShuffled: false },
};
