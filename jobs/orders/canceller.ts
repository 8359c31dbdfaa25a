// Cancels, asked for again and again until the order has ended: a request that was lost leaves an order at work.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import type { Broker, CancelOutcome } from '../brokers/broker.ts';
import type { OnOrderEvent } from './events.ts';
import type { WorkItem } from './records.ts';

export interface Canceller {
  /** Asks the broker unless it was asked within the last second. Does not wait for the answer. */
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

const AGAIN_MS = 1000;
const MAX_REMEMBERED = 1000;

/** A canceller that has asked for nothing. */
export function createCanceller({ broker, clock, onEvent, onAsked }: CancellerParts): Canceller {
  const askedAt = new Map<string, EasternUs>();
  const underWay = new Map<string, Promise<void>>();

  const send = async (id: string, item: WorkItem): Promise<void> => {
    const outcome = await broker
      .cancel(id)
      .catch((error: unknown): CancelOutcome => ({ kind: 'unknown', reason: errorText(error) }));
    onEvent('cancel asked', { intent_id: item.intent_id, venue_order_id: id, ...outcome });
    onAsked();
  };

  return {
    ask: (item) => {
      const id = item.venue_order_id;
      if (id === null || underWay.has(id)) return;
      const now = clock.now();
      const before = askedAt.get(id);
      if (before !== undefined && now - before < AGAIN_MS * 1000) return;
      if (askedAt.size >= MAX_REMEMBERED) askedAt.delete(askedAt.keys().next().value ?? '');
      askedAt.set(id, now);
      underWay.set(
        id,
        send(id, item).finally(() => underWay.delete(id)),
      );
    },
    settled: async () => {
      await Promise.all(underWay.values());
    },
  };
}
