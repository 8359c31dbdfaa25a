// What can happen between us and a broker, as data: a seed gives a list of at most twenty events, and a list can be played again.
import { randomStream } from '../../../../sim/random.ts';
import type { CancelPlan, SubmitPlan } from '../venue.ts';

export const ACTS = [
  'nothing',
  /** The broker's answers to orders and cancels from now on. */
  'answer accept',
  'answer reject',
  'answer silent_placed',
  'answer silent_lost',
  'answer not_sent',
  'answer held_placed',
  'answer held_lost',
  'cancel cancel',
  'cancel lose',
  'cancel fill_first',
  'cancel refuse',
  'release',
  'fill',
  'fill stop',
  'partial',
  /** Of an order that was canceled. */
  'late fill',
  /** The broker ends an order by itself. */
  'end',
  /** Every message comes twice, or no longer. */
  'duplicate on',
  'duplicate off',
  'hint',
  'lag',
  'down',
  'up',
  /** The process dies where it stands, and another takes its place. */
  'crash before_submit_event',
  'crash after_submit_event',
  'crash after_send',
  'crash after_accept_recorded',
  'crash before_fill_recorded',
  'crash after_fill_recorded',
  'restart',
] as const;
export type Act = (typeof ACTS)[number];

export interface SeedEvent {
  /** Time that passes first; null is up to a moment after the next full minute, when the rules decide. */
  readonly ms: number | null;
  readonly act: Act;
  /** Contracts, or which of several orders. */
  readonly n: number;
  /** Who runs then, in this order: r reconcile, s slice, w submit. */
  readonly run: string;
}

export interface SeedPlan {
  readonly seed: number;
  /** The minute at which the run begins. */
  readonly start: string;
  readonly keepsClientIds: boolean;
  readonly events: readonly SeedEvent[];
}

export const MAX_EVENTS = 20;

const WEIGHTS: Readonly<Partial<Record<Act, number>>> = {
  ...{ nothing: 6, fill: 10, partial: 6, 'fill stop': 2, 'late fill': 3, end: 2 },
  ...{ 'answer accept': 6, 'cancel cancel': 2 },
};
const RUNS = ['rsw', 'rsw', 'rsw', 'sw', 'sw', 'rw', 'r', 'w', 'wr', 'wsr', ''];
const PAUSES = [0, 50, 250, 250, 1000, 1000, 1000, 2500, 7000, null];
const QUANTITIES = [1, 5, 12, 24, 25, 25];
const STARTS = ['10:05', '10:08', '10:10', '10:13'];

function pick<T>(from: readonly T[], draw: (high: number) => number): T {
  return from[draw(from.length - 1)] as T;
}

/** The plan of a seed, the same on every machine. */
export function planOf(seed: number): SeedPlan {
  const random = randomStream(seed, 'order path');
  const draw = (high: number): number => random.int(0, high);
  const acts = ACTS.flatMap((act) => Array<Act>(WEIGHTS[act] ?? 1).fill(act));
  const count = random.int(8, MAX_EVENTS);
  return {
    seed,
    start: pick(STARTS, draw),
    keepsClientIds: draw(5) === 0,
    events: Array.from({ length: count }, () => ({
      ms: pick(PAUSES, draw),
      act: pick(acts, draw),
      n: pick(QUANTITIES, draw),
      run: pick(RUNS, draw),
    })),
  };
}

/** What an `answer …` or `cancel …` act asks of the venue. */
export function planIn(act: Act): { submit?: SubmitPlan; cancel?: CancelPlan } {
  const [verb, plan] = act.split(' ');
  if (verb === 'answer') return { submit: plan as SubmitPlan };
  return verb === 'cancel' ? { cancel: plan as CancelPlan } : {};
}
