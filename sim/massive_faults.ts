// What goes wrong on the simulated Massive's websocket, when it is told to: at the door, at an instant, or by the dice.
import type { EasternUs } from '../core/eastern_time.ts';
import { type RandomStream, randomStream } from './random.ts';
import type { ServedConnection } from './served_connection.ts';
import type { Market, WireEvent } from './wire.ts';

/**
 * How a connection is received. `no_plan` and `delayed_only` are the vendor's two refusals of a good key; `full` acknowledges
 * everything before it kills the connection; `silent` never greets.
 */
export type Door = 'open' | 'no_plan' | 'delayed_only' | 'full' | 'silent';

/** What happens to the clients of a market. `mute` answers pings and sends nothing; `freeze` does not even that. */
export type WireFault =
  | { readonly kind: 'drop' | 'excess' | 'mute' | 'unmute' | 'freeze' | 'unfreeze' }
  | { readonly kind: 'close'; readonly code: number }
  | { readonly kind: 'status'; readonly status: string; readonly message: string }
  /** A frame as it is: text, or bytes. */
  | { readonly kind: 'say'; readonly data: string | Buffer };

/** A fault with its simulated time: it strikes at the end of the step that reaches it, after the step's events. */
export interface ScriptedFault {
  readonly at: EasternUs;
  readonly market: Market;
  readonly fault: WireFault;
}

type SimpleFault = Exclude<WireFault['kind'], 'close' | 'status' | 'say'>;

const SIMPLE: Readonly<Record<SimpleFault, (connection: ServedConnection) => void>> = {
  drop: (connection) => connection.drop(),
  excess: (connection) => connection.closeAsExcess(),
  mute: (connection) => connection.mute(true),
  unmute: (connection) => connection.mute(false),
  freeze: (connection) => connection.freeze(true),
  unfreeze: (connection) => connection.freeze(false),
};

/** Lets the fault happen to a connection. */
export function inflict(connection: ServedConnection, fault: WireFault): void {
  if (fault.kind === 'close') connection.close(fault.code);
  else if (fault.kind === 'status') connection.tell(fault.status, fault.message);
  else if (fault.kind === 'say') connection.say(fault.data);
  else SIMPLE[fault.kind](connection);
}

/** Chances, each of one event, that it is sent otherwise than it should be. What REST gives is not touched. */
export interface Disorder {
  readonly seed: number;
  /** Sent twice. */
  readonly again?: number;
  /** Sent after its successor. */
  readonly swapped?: number;
  /** Sent `lateMs` later; default 30,000. */
  readonly late?: number;
  readonly lateMs?: number;
  /** With keys that nobody knows, nested ones too, and `z` as a fraction. */
  readonly decorated?: number;
}

/** Takes the events of a step up to `nowMs` and gives what is sent. */
export type Disorderer = (events: readonly WireEvent[], nowMs: number) => readonly WireEvent[];

/** The disorder of one market: the same seed and events give the same. */
export function createDisorder(disorder: Disorder, market: Market): Disorderer {
  const random = randomStream(disorder.seed, 'disorder', market);
  let held: { readonly dueMs: number; readonly event: WireEvent }[] = [];
  return (events, nowMs) => {
    const sent: WireEvent[] = held.filter(({ dueMs }) => dueMs <= nowMs).map(({ event }) => event);
    held = held.filter(({ dueMs }) => dueMs > nowMs);
    for (const event of events) {
      const isLate = isDue(random, disorder.late);
      if (isLate) held.push({ dueMs: nowMs + (disorder.lateMs ?? 30_000), event });
      else place(sent, isDue(random, disorder.decorated) ? decorated(event) : event, { disorder, random });
    }
    return sent;
  };
}

function isDue(random: RandomStream, chance: number | undefined): boolean {
  return chance !== undefined && random.chance(chance);
}

function place(
  sent: WireEvent[],
  event: WireEvent,
  { disorder, random }: { readonly disorder: Disorder; readonly random: RandomStream },
): void {
  const isSwapped = isDue(random, disorder.swapped) && sent.length > 0;
  if (isSwapped) sent.splice(sent.length - 1, 0, event);
  else sent.push(event);
  if (isDue(random, disorder.again)) sent.push(event);
}

function decorated(each: WireEvent): WireEvent {
  const { z } = each.event;
  const more = { zz: { a: [1, { b: null }] }, otc: false, ...(typeof z === 'number' ? { z: z + 0.5 } : {}) };
  // The vendor's order of keys means nothing: `ev` comes last here.
  const { ev, ...rest } = each.event;
  return { ...each, event: { ...more, ...rest, ev } };
}
