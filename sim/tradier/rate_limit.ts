// Tradier's limits (reference A2): so many requests of a group in a minute that begins with the first of them.
import { addMs, type EasternUs, epochMsFromEastern } from '../../core/eastern_time.ts';
import type { Operation } from './faults.ts';
import type { RateLimits, Settings } from './settings.ts';

const MINUTE_MS = 60_000;
const MARKET: readonly Operation[] = [
  'GET expirations',
  'GET strikes',
  'GET chains',
  'GET quotes',
  'GET clock',
  'GET calendar',
];

function groupOf(operation: Operation): keyof RateLimits {
  if (MARKET.includes(operation)) return 'market';
  return operation.startsWith('GET ') ? 'standard' : 'trading';
}

export interface Taken {
  readonly isAllowed: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** Takes a request of a group. */
export function createRateLimits(settings: Settings): (operation: Operation) => Taken {
  const windows = new Map<keyof RateLimits, { ends: EasternUs; used: number }>();
  return (operation) => {
    const { limits, clock, expiryUnit } = settings;
    if (limits === null) return { isAllowed: true, headers: {} };
    const group = groupOf(operation);
    const now = clock.now();
    const known = windows.get(group);
    const window =
      known === undefined || known.ends <= now ? { ends: addMs(now, MINUTE_MS), used: 0 } : known;
    windows.set(group, window);
    const allowed = limits[group];
    const isAllowed = window.used < allowed;
    if (isAllowed) window.used += 1;
    const ends = epochMsFromEastern(window.ends);
    return {
      isAllowed,
      headers: {
        'x-ratelimit-allowed': String(allowed),
        'x-ratelimit-used': String(window.used),
        'x-ratelimit-available': String(allowed - window.used),
        'x-ratelimit-expiry': String(expiryUnit === 'ms' ? Math.ceil(ends) : Math.ceil(ends / 1000)),
      },
    };
  };
}
