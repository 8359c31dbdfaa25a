// Our own limit on requests, below the broker's: never more than so many within any minute, and a share that entries cannot touch.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';

export interface BudgetLimits {
  /** Requests of any kind within any 60 s; default 100 (Schwab: about 120). */
  readonly perMinute: number;
  /** POST, PUT and DELETE of orders within any 60 s; default 60. */
  readonly ordersPerMinute: number;
  /** Of both, kept for exits and cancels; default 10. */
  readonly reserved: number;
}

export interface Budget {
  /** Takes one request if there is one for that purpose; an order counts in both limits. */
  take(request: { readonly isOrder: boolean; readonly isExit: boolean }): boolean;
  /** The broker asked for a pause: until it is over only exits are given requests. */
  pause(ms: number): void;
  /** Real ms until there is one for that purpose, as far as is known now; 0 is now. */
  waitMs(request: { readonly isOrder: boolean; readonly isExit: boolean }): number;
  /** Requests that an entry could still take in this minute. */
  left(): number;
}

export const DEFAULT_BUDGET: BudgetLimits = { perMinute: 100, ordersPerMinute: 60, reserved: 10 };

const WINDOW_MS = 60_000;

/**
 * A window that slides, not a bucket that refills: a full bucket of 100 and its refill are 200 requests within one minute.
 */
export function createBudget(limits: BudgetLimits, transport: Clock): Budget {
  const all = createWindow(transport);
  const orders = createWindow(transport);
  let pausedUntil = Number.NEGATIVE_INFINITY;
  const pauseLeftMs = (): number => Math.max(0, (pausedUntil - transport.now()) / 1000);
  const { perMinute, ordersPerMinute, reserved } = limits;
  const waitMs: Budget['waitMs'] = ({ isOrder, isExit }) => {
    const kept = isExit ? 0 : reserved;
    const orderMs = isOrder ? orders.waitMs(ordersPerMinute - kept) : 0;
    return Math.max(isExit ? 0 : pauseLeftMs(), all.waitMs(perMinute - kept), orderMs);
  };
  return {
    take: (request) => {
      if (waitMs(request) > 0) return false;
      all.add();
      if (request.isOrder) orders.add();
      return true;
    },
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, transport.now() + ms * 1000);
    },
    waitMs,
    left: () => Math.max(0, Math.min(perMinute - all.count(), ordersPerMinute - orders.count()) - reserved),
  };
}

interface Window {
  add(): void;
  count(): number;
  /** Until fewer than `limit` are in the window. */
  waitMs(limit: number): number;
}

function createWindow(transport: Clock): Window {
  let taken: EasternUs[] = [];
  const drop = (): void => {
    const now = transport.now();
    // A clock that was set back leaves times in the future: they count for one window from now.
    taken = taken.map((at) => (at > now ? now : at)).filter((at) => now - at < WINDOW_MS * 1000);
  };
  return {
    add: () => {
      taken.push(transport.now());
    },
    count: () => {
      drop();
      return taken.length;
    },
    waitMs: (limit) => {
      drop();
      const oldest = taken[taken.length - limit];
      if (taken.length < limit) return 0;
      if (oldest === undefined) return WINDOW_MS;
      return Math.max(1, WINDOW_MS - (transport.now() - oldest) / 1000);
    },
  };
}
