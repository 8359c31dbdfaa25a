// Cancels, asked for again and again until the order has ended: a request that was lost leaves an order at work.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import type { Broker, CancelOutcome } from '../brokers/broker.ts';
import type { OnOrderEvent } from './events.ts';
import type { WorkItem } from './records.ts';

export interface Canceller {
  /** Asks the broker unless it was asked a moment ago. Does not wait for the answer. */
  ask(item: WorkItem): void;
  /** Resolves when every request has been answered. */
  settled(): Promise<void>;
}

export interface CancellerParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly onEvent: OnOrderEvent;
  /** Called after every answer: the order may have ended. */
  readonly onAsked: () => void;
}

// Of a cancel that was not heard of. One that was answered is asked for again less and less often: an order that does not go must not
// use up the requests that exits need. One that was refused may be possible in a moment.
const AGAIN_MS = 1000;
const MAX_AGAIN_MS = { requested: 15_000, refused: 4000 } as const;
const MAX_REMEMBERED = 1000;

interface Asked {
  readonly at: EasternUs;
  /** Requests that the broker has answered, and how it answered the last of them. */
  answers: number;
  answer: keyof typeof MAX_AGAIN_MS;
}

/** A canceller that has asked for nothing. */
export function createCanceller({ broker, clock, onEvent, onAsked }: CancellerParts): Canceller {
  const asked = new Map<string, Asked>();
  const underWay = new Map<string, Promise<void>>();

  const send = async (id: string, item: WorkItem, about: Asked): Promise<void> => {
    const outcome = await broker
      .cancel(id)
      .catch((error: unknown): CancelOutcome => ({ kind: 'unknown', reason: errorText(error) }));
    if (outcome.kind === 'requested' || outcome.kind === 'refused') {
      about.answers += 1;
      about.answer = outcome.kind;
    }
    onEvent('cancel asked', { intent_id: item.intent_id, venue_order_id: id, ...outcome });
    onAsked();
  };

  return {
    ask: (item) => {
      const id = item.venue_order_id;
      if (id === null || underWay.has(id)) return;
      const now = clock.now();
      const before = asked.get(id);
      if (before !== undefined && now - before.at < pauseMs(before) * 1000) return;
      if (asked.size >= MAX_REMEMBERED) asked.delete(asked.keys().next().value ?? '');
      const about: Asked = { at: now, answers: before?.answers ?? 0, answer: before?.answer ?? 'requested' };
      asked.set(id, about);
      underWay.set(
        id,
        send(id, item, about).finally(() => underWay.delete(id)),
      );
    },
    settled: async () => {
      await Promise.all(underWay.values());
    },
  };
}

function pauseMs({ answers, answer }: Asked): number {
  return Math.min(MAX_AGAIN_MS[answer], AGAIN_MS * 2 ** Math.max(0, answers - 2));
}
