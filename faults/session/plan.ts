// What happens to a fault session, and when: the same seed gives the same plan. What it meets depends on the machine's pace.
import type { Victim } from '../../bench/live_stage.ts';
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { WireFault } from '../../sim/massive_faults.ts';
import type { RestFaultKind } from '../../sim/massive_rest_faults.ts';
import { type RandomStream, randomStream } from '../../sim/random.ts';
import type { Fault, Operation } from '../../sim/schwab/faults.ts';
import type { SessionArguments } from '../../sim/session.ts';
import type { Market } from '../../sim/wire.ts';

export type Deed =
  | { readonly kind: 'kill'; readonly victim: Victim }
  /** SIGSTOP for so long: of a process, or of the database with all its backends. */
  | { readonly kind: 'freeze'; readonly victim: Exclude<Victim, 'supervisor'>; readonly ms: number }
  | { readonly kind: 'wire'; readonly market: Market; readonly fault: WireFault; readonly after?: WireFault }
  | { readonly kind: 'rest'; readonly fault: RestFaultKind }
  | { readonly kind: 'second_tree' | 'skew' | 'login_dies' | 'access_dies' | 'rubbish' | 'odd_quotes' }
  | { readonly kind: 'by_hand' | 'halt' };

export interface Planned {
  readonly id: string;
  readonly at: EasternUs;
  readonly deed: Deed;
  /** True where it waits for an order that has just been sent, as long as there is time. */
  readonly isAtOrder: boolean;
}

/** What the next request of a kind meets at the broker. */
export interface BrokerFault {
  readonly id: string;
  readonly operation: Operation;
  readonly fault: Fault;
}

const kill = (victim: Victim): Deed => ({ kind: 'kill', victim });
const freeze = (victim: Exclude<Victim, 'supervisor'>, ms: number): Deed => ({ kind: 'freeze', victim, ms });
const mutes = (market: Market, kind: 'mute' | 'freeze'): Deed => ({
  ...{ kind: 'wire', market, fault: { kind } },
  after: { kind: kind === 'mute' ? 'unmute' : 'unfreeze' },
});
const wire = (market: Market, fault: WireFault): Deed => ({ kind: 'wire', market, fault });
const CLOSED = { kind: 'close', code: 1006 } as const;

const DEEDS: readonly (readonly [string, readonly Deed[], boolean?])[] = [
  ['F1', [kill('ingest-equities'), kill('ingest-options')]],
  ['F1', [kill('ingest-equities'), kill('ingest-options')]],
  ['F2', [kill('orders-submit'), kill('orders-reconcile'), kill('advance')], true],
  ['F2', [kill('orders-submit'), kill('orders-reconcile'), kill('advance')], true],
  ['F2', [kill('orders-submit'), kill('advance'), kill('ready'), kill('supervisor')]],
  ['F3', [{ kind: 'second_tree' }]],
  ['F4', [kill('database')]],
  ['F4', [kill('database')], true],
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

const post = (id: string, fault: Fault): BrokerFault => ({ id, operation: 'POST order', fault });
const remove = (id: string, fault: Fault): BrokerFault => ({ id, operation: 'DELETE order', fault });

/** Each once for an order, in an order of the seed's, and over again. */
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

export interface Plan {
  readonly deeds: readonly Planned[];
  /** One for each time: the next order of its kind meets it. */
  readonly brokerFaults: readonly (BrokerFault & { readonly at: EasternUs })[];
}

const MARGIN_MS = 5 * 60_000;
const FAULT_EVERY_MS = 4 * 60_000;

/** The plan of a session: every deed at a time of its own, evenly apart and shaken. */
export function planOf({ tsOpen, tsClose }: SessionArguments, seed: number): Plan {
  const random = randomStream(seed, 'fault session');
  const all = DEEDS.flatMap(([id, deeds, isAtOrder = false]) =>
    deeds.map((deed) => ({ id, deed, isAtOrder })),
  );
  const slotMs = ((tsClose - tsOpen) / 1000 - MARGIN_MS) / all.length;
  const deeds = shuffled(all, random).map((each, slot) => {
    // The next one comes when this one can be over.
    const afterMs = MARGIN_MS / 2 + (slot + 0.4 * random.next()) * slotMs;
    return { ...each, at: addMs(tsOpen, Math.round(afterMs)) };
  });
  const orders = endless(ORDER_FAULTS, random);
  const cancels = endless(CANCEL_FAULTS, random);
  const times = Math.floor((tsClose - tsOpen) / 1000 / FAULT_EVERY_MS);
  const brokerFaults = Array.from({ length: times }, (_, n) => ({
    ...(n % 3 === 2 ? cancels() : orders()),
    at: addMs(tsOpen, (n + 0.5) * FAULT_EVERY_MS),
  }));
  return { deeds, brokerFaults };
}

function shuffled<T>(list: readonly T[], random: RandomStream): T[] {
  const rest = [...list];
  return list.map(() => rest.splice(random.int(0, rest.length - 1), 1)[0] as T);
}

/** All of the list in an order of the seed's, and then over again in another. */
function endless<T>(list: readonly T[], random: RandomStream): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = shuffled(list, random);
    return left.pop() as T;
  };
}
