// How a simulated broker misbehaves: faults that a test scripts request by request, or that a seed scatters over them.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { randomStream } from '../random.ts';

export interface FaultPlan<O extends string, F> {
  readonly seed: number;
  /** Share of requests and messages that meet a fault, 0 to 1. */
  readonly rate: number;
  readonly faults: readonly F[];
  /** Where; default everywhere that a fault makes sense. */
  readonly operations?: readonly O[];
}

export interface Injected<O extends string, F> {
  readonly at: EasternUs;
  readonly operation: O;
  readonly fault: F;
}

export interface FaultScript<O extends string, F> {
  /** The next requests of this kind meet this fault, in the order in which faults were given. Throws where it makes no sense. */
  next(operation: O, fault: F, times?: number): void;
  /** Every request of this kind from now on, after those of `next`; null ends it. */
  always(operation: O, fault: F | null): void;
  /** Scatters faults by seed; null ends it. The draws of one operation do not depend on the requests of another. */
  misbehave(misbehaviour: FaultPlan<O, F> | null): void;
  /** Forgets everything that is still to come. */
  clear(): void;
  /** What was injected so far. */
  injected(): readonly Injected<O, F>[];
}

export interface FaultKinds<O extends string, F> {
  readonly operations: readonly O[];
  /** True where the fault makes sense. */
  readonly applies: (fault: F, operation: O) => boolean;
}

/** A script, and `take`, which the server calls once for every request and message. */
export function createFaultScript<O extends string, F extends { readonly kind: string }>(
  clock: Clock,
  kinds: FaultKinds<O, F>,
): FaultScript<O, F> & { take(operation: O): F | null } {
  const queues = new Map<O, F[]>();
  const standing = new Map<O, F>();
  const log: Injected<O, F>[] = [];
  let draw: (operation: O) => F | null = () => null;
  const check = (operation: O, fault: F): void => {
    if (!kinds.operations.includes(operation)) throw new Error(`no such operation: ${operation}`);
    if (!kinds.applies(fault, operation)) throw new Error(`${fault.kind} makes no sense for ${operation}`);
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
      draw = misbehaviour === null ? () => null : drawing(misbehaviour, kinds);
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

function drawing<O extends string, F>(
  plan: FaultPlan<O, F>,
  kinds: FaultKinds<O, F>,
): (operation: O) => F | null {
  const { seed, rate, faults, operations } = plan;
  const streams = new Map(
    kinds.operations.map((operation) => [operation, randomStream(seed, 'misbehave', operation)]),
  );
  return (operation) => {
    const stream = streams.get(operation);
    if (stream === undefined || operations?.includes(operation) === false) return null;
    const possible = faults.filter((fault) => kinds.applies(fault, operation));
    if (possible.length === 0 || !stream.chance(rate)) return null;
    return possible[stream.int(0, possible.length - 1)] ?? null;
  };
}
