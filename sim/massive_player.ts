// Plays a tape to the connected clients in lock-step with a stepping clock, at a chosen speed.
import { setImmediate } from 'node:timers/promises';
import { type Clock, systemClock } from '../core/clock.ts';
import { addMs, type EasternUs, epochMsFromEastern } from '../core/eastern_time.ts';
import {
  createDisorder,
  type Disorder,
  type Disorderer,
  inflict,
  type ScriptedFault,
} from './massive_faults.ts';
import type { ServedConnection } from './served_connection.ts';
import type { SteppingClock } from './stepping_clock.ts';
import type { Tape, TapeSecond } from './tape.ts';
import type { Market, WireEvent } from './wire.ts';

const SECOND_MS = 1000;
// What a vendor keeps for a slow consumer before it gives it up.
const MAX_BACKLOG_BYTES = 64 << 20;

export interface PlayerOptions {
  readonly tape: Tape;
  readonly clock: SteppingClock;
  /** Multiple of real time, or `max`: as fast as the clients read. */
  readonly speed: number | 'max';
  /** Simulated time of one step; divides 1000. */
  readonly stepMs: number;
  /** A client that has not read a step after this much real time is dropped, as the vendor drops slow consumers. */
  readonly slowConsumerMs: number;
  /** False: the market waits for nobody, as the real one does; a client with too much unread is dropped. */
  readonly isLockstep: boolean;
  /** What was before is not played, nor what comes from `to` on. */
  readonly from: EasternUs;
  readonly to: EasternUs;
  readonly faults: readonly ScriptedFault[];
  readonly disorder: Disorder | null;
  readonly connections: ReadonlySet<ServedConnection>;
  /** Awaited after each step, when every client has received everything before `now`. */
  readonly afterStep: ((now: EasternUs) => Promise<void> | void) | undefined;
  /** Told what happens in a step before any client is. */
  readonly onEvents: ((market: Market, events: readonly WireEvent[]) => void) | undefined;
  readonly signal: AbortSignal;
}

// Real time; only the pace and the patience with slow clients depend on it, never what is sent.
const wallClock: Clock = systemClock();

function createPace(options: PlayerOptions): (stepEnd: EasternUs) => Promise<void> {
  const { speed, signal } = options;
  if (speed === 'max') return async () => {};
  const wallStart = wallClock.now();
  const simStart = options.clock.now();
  return async (stepEnd) => {
    const dueMs = (stepEnd - simStart) / 1000 / speed;
    const aheadMs = dueMs - (wallClock.now() - wallStart) / 1000;
    if (aheadMs >= 1) await wallClock.sleep(aheadMs, signal);
  };
}

/** Waits until every client has read what it was sent. */
async function allDelivered(connections: ReadonlySet<ServedConnection>): Promise<void> {
  const open = [...connections].filter((connection) => connection.open);
  // Without clients the loop must still let the machine breathe.
  if (open.length === 0) await setImmediate();
  else await Promise.all(open.map((connection) => connection.delivered()));
}

// One client that has stopped reading must not stop the market.
async function dropSlowConsumers(options: PlayerOptions, ended: AbortSignal): Promise<void> {
  const { connections, slowConsumerMs } = options;
  while (!ended.aborted) {
    await wallClock.sleep(slowConsumerMs / 4, ended);
    for (const connection of connections) if (connection.unreadMs > slowConsumerMs) connection.drop();
  }
}

function dueEvents(events: readonly WireEvent[], second: TapeSecond, step: Step): readonly WireEvent[] {
  if (step.fromMs === 0 && step.toMs === SECOND_MS) return events;
  // An aggregate leaves exactly as its second ends: in the last step of that second.
  const until = second.startMs + (step.toMs === SECOND_MS ? SECOND_MS + 1 : step.toMs);
  const from = second.startMs + step.fromMs;
  return events.filter((event) => event.sendMs >= from && event.sendMs < until);
}

/** Milliseconds within the second: [fromMs, toMs). */
interface Step {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Playing extends PlayerOptions {
  readonly disorderers: Readonly<Record<Market, Disorderer>>;
}

async function playStep(options: Playing, second: TapeSecond, step: Step): Promise<void> {
  const { clock, connections } = options;
  const now = addMs(second.ts, step.toMs);
  // The clock moves first: what happened before `now` is received at `now`.
  clock.moveTo(now);
  for (const market of ['stocks', 'options'] as const) {
    const events = dueEvents(second.events[market], second, step);
    options.onEvents?.(market, events);
    const sent = options.disorderers[market](events, epochMsFromEastern(now));
    for (const connection of connections) if (connection.market === market) connection.deliver(sent);
  }
  inflictDue(options, addMs(second.ts, step.fromMs), now);
  if (options.isLockstep) await allDelivered(connections);
  else await dropOverfull(connections);
  clock.wake();
  await options.afterStep?.(now);
}

function inflictDue({ faults, connections }: PlayerOptions, from: EasternUs, to: EasternUs): void {
  for (const { at, market, fault } of faults) {
    if (at <= from || at > to) continue;
    for (const connection of [...connections]) if (connection.market === market) inflict(connection, fault);
  }
}

async function dropOverfull(connections: ReadonlySet<ServedConnection>): Promise<void> {
  for (const connection of connections) if (connection.backlog > MAX_BACKLOG_BYTES) connection.drop();
  await setImmediate();
}

function inOrder(events: readonly WireEvent[]): readonly WireEvent[] {
  return events;
}

async function playSeconds(options: Playing): Promise<void> {
  const pace = createPace(options);
  for (const second of options.tape.seconds()) {
    if (second.ts < options.from) continue;
    if (second.ts >= options.to) return;
    for (let fromMs = 0; fromMs < SECOND_MS; fromMs += options.stepMs) {
      const step = { fromMs, toMs: fromMs + options.stepMs };
      await pace(addMs(second.ts, step.toMs));
      if (options.signal.aborted) return;
      await playStep(options, second, step);
    }
  }
}

/** Plays the tape from start to end; returns early when the signal is aborted. Errors of `afterStep` end the session. */
export async function playTape(options: PlayerOptions): Promise<void> {
  const ended = new AbortController();
  const watch = dropSlowConsumers(options, ended.signal);
  const { disorder } = options;
  const of = (market: Market): Disorderer => (disorder === null ? inOrder : createDisorder(disorder, market));
  try {
    await playSeconds({ ...options, disorderers: { stocks: of('stocks'), options: of('options') } });
  } finally {
    ended.abort();
    await watch;
  }
}
