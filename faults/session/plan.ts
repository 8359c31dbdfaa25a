// What happens to a fault session, and when: the same seed gives the same plan. What it meets depends on the machine's pace.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import { type RandomStream, randomStream } from '../../sim/random.ts';
import type { SessionArguments } from '../../sim/session.ts';
import type { StreamDeed } from './schwab_plan.ts';
import type { PolledDeed } from './tradier_plan.ts';

export type Deed = TreeDeed | VenueDeed;

/** Of the processes, the database, and the people around them. A victim is named as the supervisor does, or is `supervisor` or `database`. */
export type TreeDeed =
  | { readonly kind: 'kill'; readonly victim: string }
  /** Processes at once. */
  | { readonly kind: 'kill_together'; readonly victims: readonly string[] }
  /** SIGSTOP for so long: of a process, or of the database with all its backends. */
  | { readonly kind: 'freeze'; readonly victim: string; readonly ms: number }
  | { readonly kind: 'second_tree' | 'skew' | 'by_hand' | 'halt' };

/** Of the simulators of one system. */
export type VenueDeed = StreamDeed | PolledDeed;

/** What a deed may wait for, as long as there is time: an order that has just been sent, a snapshot that is just asked for. */
export type Moment = 'order' | 'snapshot';

export interface Planned {
  readonly id: string;
  readonly at: EasternUs;
  readonly deed: Deed;
  readonly moment: Moment | null;
}

/** What the next request of a kind meets at the broker; the simulator of the system knows both. */
export interface BrokerFault {
  readonly id: string;
  readonly operation: string;
  readonly fault: { readonly kind: string };
}

export interface Plan {
  readonly deeds: readonly Planned[];
  /** One for each time: the next order of its kind meets it. */
  readonly brokerFaults: readonly (BrokerFault & { readonly at: EasternUs })[];
}

/** What a plan is made of. */
export interface Repertoire {
  readonly deeds: readonly (readonly [string, readonly Deed[], Moment?])[];
  /** Each once for an order, in an order of the seed's, and over again; so are those of cancels. */
  readonly orderFaults: readonly BrokerFault[];
  readonly cancelFaults: readonly BrokerFault[];
  readonly faultEveryMs: number;
  /** Without deeds, half of it at either end. */
  readonly marginMs: number;
  /** False: in their order. */
  readonly isShuffled: boolean;
}

export const kill = (victim: string): TreeDeed => ({ kind: 'kill', victim });
export const freeze = (victim: string, ms: number): TreeDeed => ({ kind: 'freeze', victim, ms });

/** The plan of a session: every deed at a time of its own, evenly apart and shaken. */
export function planOf({ tsOpen, tsClose }: SessionArguments, seed: number, from: Repertoire): Plan {
  const random = randomStream(seed, 'fault session');
  const all = from.deeds.flatMap(([id, deeds, moment = null]) => deeds.map((deed) => ({ id, deed, moment })));
  const { marginMs, faultEveryMs } = from;
  const slotMs = ((tsClose - tsOpen) / 1000 - marginMs) / all.length;
  const deeds = (from.isShuffled ? shuffled(all, random) : all).map((each, slot) => {
    // The next one comes when this one can be over.
    const afterMs = marginMs / 2 + (slot + 0.4 * random.next()) * slotMs;
    return { ...each, at: addMs(tsOpen, Math.round(afterMs)) };
  });
  const orders = endless(from.orderFaults, random);
  const cancels = endless(from.cancelFaults, random);
  const times = Math.floor((tsClose - tsOpen) / 1000 / faultEveryMs);
  const brokerFaults = Array.from({ length: times }, (_, n) => ({
    ...(n % 3 === 2 ? cancels() : orders()),
    at: addMs(tsOpen, (n + 0.5) * faultEveryMs),
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
