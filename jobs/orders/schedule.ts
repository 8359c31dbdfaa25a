// When each order and the positions are read again: often while something moves, seldom while a stop rests.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { OpenOrder } from './records.ts';
import { hasEnded } from './settle.ts';

export interface Schedule {
  /** Something happened: for a second everything is read as often as is useful, after 0, 50, 100, 200 … ms. */
  hurry(now: EasternUs): void;
  isDue(order: OpenOrder, now: EasternUs): boolean;
  wasRead(order: OpenOrder, now: EasternUs): void;
  /** It could not be read: it is not asked for again within a second, whatever hints come. */
  wasNotRead(order: OpenOrder, now: EasternUs): void;
  isFullPassDue(now: EasternUs): boolean;
  /** Clock time until the next look is of use. */
  waitMs(now: EasternUs): number;
  /** Positions are to be read again, as soon as that is useful. */
  wantPositions(afterMs: number, now: EasternUs): void;
  fullPassDone(now: EasternUs): void;
  /** Forgets orders that are no longer open. */
  keep(orders: readonly OpenOrder[]): void;
}

const HURRY_MS = 1000;
// What a hint tells of is seldom there at once, and mostly soon: the pauses double.
const FIRST_PAUSE_MS = 50;
const FAILED_MS = 1000;
const YOUNG_MS = 10_000;
const EVERY_MS = { young: 1000, working: 2000, resting: 15_000, ended: 5000 } as const;
const FULL_EVERY_MS = 60_000;
const POSITIONS_GAP_MS = 2000;

/** A schedule on which everything is due. */
export function createSchedule(): Schedule {
  const readAt = new Map<number, EasternUs>();
  const failedAt = new Map<number, EasternUs>();
  let hurriedAt = Number.NEGATIVE_INFINITY;
  let fullAt = Number.NEGATIVE_INFINITY;
  let lastFullAt = Number.NEGATIVE_INFINITY;

  const isHurried = (now: EasternUs): boolean => now < hurriedAt + HURRY_MS * 1000;
  const pauseMs = (now: EasternUs): number => Math.max(FIRST_PAUSE_MS, (now - hurriedAt) / 1000);

  const everyMs = ({ purpose, state, ts_state }: OpenOrder, now: EasternUs): number => {
    if (hasEnded(state)) return EVERY_MS.ended;
    // A little less than half of the time since the hint: timers may be early.
    if (isHurried(now)) return 0.45 * Math.max(2 * FIRST_PAUSE_MS, pauseMs(now));
    if (now - ts_state < YOUNG_MS * 1000) return EVERY_MS.young;
    return purpose === 'protect' ? EVERY_MS.resting : EVERY_MS.working;
  };

  return {
    hurry: (now) => {
      hurriedAt = now;
    },
    isDue: (order, now) => {
      // Nothing can follow.
      if (order.state === 'filled' || order.state === 'rejected') return false;
      const failed = failedAt.get(order.intent_id);
      // Also of a clock that was set back.
      if (failed !== undefined && Math.abs(now - failed) < FAILED_MS * 1000) return false;
      const last = readAt.get(order.intent_id);
      return last === undefined || now - last >= everyMs(order, now) * 1000;
    },
    wasRead: (order, now) => {
      readAt.set(order.intent_id, now);
    },
    wasNotRead: (order, now) => {
      failedAt.set(order.intent_id, now);
    },
    isFullPassDue: (now) => now >= fullAt,
    waitMs: (now) => {
      const usualMs = isHurried(now) ? pauseMs(now) : EVERY_MS.young;
      return Math.max(0, Math.min(usualMs, (fullAt - now) / 1000));
    },
    wantPositions: (afterMs, now) => {
      const earliest = Math.max(now + afterMs * 1000, lastFullAt + POSITIONS_GAP_MS * 1000);
      fullAt = Math.min(fullAt, earliest);
    },
    fullPassDone: (now) => {
      lastFullAt = now;
      fullAt = addMs(now, FULL_EVERY_MS);
    },
    keep: (orders) => {
      const ids = new Set(orders.map((order) => order.intent_id));
      for (const times of [readAt, failedAt])
        for (const id of times.keys()) if (!ids.has(id)) times.delete(id);
    },
  };
}
