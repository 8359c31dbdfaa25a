// What can happen to a session of vwap_ma9 on streams of Massive's, with orders at Schwab.
import type { WireFault } from '../../sim/massive_faults.ts';
import type { RestFaultKind } from '../../sim/massive_rest_faults.ts';
import type { Fault, Operation } from '../../sim/schwab/faults.ts';
import type { Market } from '../../sim/wire.ts';
import { type BrokerFault, type Deed, freeze, kill, type Repertoire } from './plan.ts';

export type StreamDeed =
  | { readonly kind: 'wire'; readonly market: Market; readonly fault: WireFault; readonly after?: WireFault }
  | { readonly kind: 'rest'; readonly fault: RestFaultKind }
  | { readonly kind: 'login_dies' | 'access_dies' | 'rubbish' | 'odd_quotes' };

const mutes = (market: Market, kind: 'mute' | 'freeze'): Deed => ({
  ...{ kind: 'wire', market, fault: { kind } },
  after: { kind: kind === 'mute' ? 'unmute' : 'unfreeze' },
});
const wire = (market: Market, fault: WireFault): Deed => ({ kind: 'wire', market, fault });
const CLOSED = { kind: 'close', code: 1006 } as const;

const DEEDS: Repertoire['deeds'] = [
  ['F1', [kill('ingest-equities'), kill('ingest-options')]],
  ['F1', [kill('ingest-equities'), kill('ingest-options')]],
  ['F2', [kill('orders-submit'), kill('orders-reconcile'), kill('advance')], 'order'],
  ['F2', [kill('orders-submit'), kill('orders-reconcile'), kill('advance')], 'order'],
  ['F2', [kill('orders-submit'), kill('advance'), kill('ready'), kill('supervisor')]],
  ['F3', [{ kind: 'second_tree' }]],
  ['F4', [kill('database')]],
  ['F4', [kill('database')], 'order'],
  ['F5', [freeze('database', 40_000), freeze('database', 90_000)]],
  ['F6', [wire('stocks', { kind: 'drop' }), wire('options', { kind: 'drop' })]],
  [
    'F6',
    [
      mutes('stocks', 'mute'),
      mutes('options', 'mute'),
      mutes('stocks', 'freeze'),
      mutes('options', 'freeze'),
    ],
  ],
  ['F6', [wire('stocks', { kind: 'excess' }), wire('options', { ...CLOSED, code: 1001 })]],
  [
    'F6',
    (['too_many', 'bad_gateway', 'truncated', 'reset', 'hang'] as const).map((fault) => ({
      kind: 'rest',
      fault,
    })),
  ],
  ['F7', [{ kind: 'skew' }]],
  ['F13', [{ kind: 'access_dies' }, { kind: 'login_dies' }, { kind: 'access_dies' }]],
  ['F15', [freeze('ingest-options', 30_000), freeze('advance', 20_000), freeze('orders-submit', 20_000)]],
  ['F16', [{ kind: 'rubbish' }, { kind: 'rubbish' }]],
  ['F17', [{ kind: 'odd_quotes' }, { kind: 'odd_quotes' }, { kind: 'odd_quotes' }]],
  ['F18', [{ kind: 'by_hand' }]],
  ['F20', [{ kind: 'halt' }, { kind: 'halt' }]],
];

const on =
  (operation: Operation) =>
  (id: string, fault: Fault): BrokerFault => ({ id, operation, fault });
const post = on('POST order');
const remove = on('DELETE order');

const ORDER_FAULTS: readonly BrokerFault[] = [
  post('F9', { kind: 'hang', accept: true }),
  post('F9', { kind: 'hang', accept: false }),
  post('F9', { kind: 'hang', accept: true, acceptAfterMs: 8000 }),
  post('F9', { kind: 'reset', accept: true }),
  post('F9', { kind: 'html', status: 502, accept: true }),
  post('F9', { kind: 'no_location' }),
  post('F9', { kind: 'relative_location' }),
  post('F9', { kind: 'wrong_location' }),
  post('F9', { kind: 'list_lag', ms: 4000 }),
  post('F9', { kind: 'positions_lag', ms: 4000 }),
  post('F9', { kind: 'report_lag', ms: 4000 }),
  post('F10', { kind: 'html', status: 503, accept: false }),
  post('F10', { kind: 'rate_limit', retryAfterS: 2, hasBody: true }),
  post('F10', { kind: 'unauthorized' }),
  post('F10', { kind: 'slow', ms: 4000 }),
  post('F11', { kind: 'partial', qtys: [3, 9] }),
  post('F11', { kind: 'partial', qtys: [24] }),
  post('F12', { kind: 'reject', reason: 'insufficient buying power' }),
];

const CANCEL_FAULTS: readonly BrokerFault[] = [
  remove('F11', { kind: 'fill_during_cancel' }),
  remove('F11', { kind: 'fill_after_cancel', qty: 5, lagMs: 1500 }),
  remove('F11', { kind: 'cancel_refused' }),
  remove('F10', { kind: 'html', status: 500, accept: true }),
  remove('F10', { kind: 'hang', accept: false }),
];

/** Scattered over everything that is read from the broker. */
export const READ_FAULTS: readonly Fault[] = [
  { kind: 'html', status: 503, accept: false },
  { kind: 'rate_limit', retryAfterS: 1, hasBody: false },
  { kind: 'unauthorized' },
  { kind: 'half_body', isCut: true },
  { kind: 'half_body', isCut: false },
  { kind: 'slow', ms: 2500 },
  { kind: 'fault_json' },
  { kind: 'stale', ms: 4000 },
  { kind: 'drop' },
  { kind: 'lose' },
  { kind: 'repeat' },
];

export const SCHWAB_REPERTOIRE: Repertoire = {
  ...{ deeds: DEEDS, orderFaults: ORDER_FAULTS, cancelFaults: CANCEL_FAULTS },
  ...{ faultEveryMs: 4 * 60_000, marginMs: 5 * 60_000, isShuffled: true },
};
