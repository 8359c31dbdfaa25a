// The seven days of a login: how much is left, and warnings before they are over.
import type { Clock } from '../../../core/clock.ts';
import type { EasternUs } from '../../../core/eastern_time.ts';
import type { Logger } from '../../../core/log.ts';
import { elapsedMs } from './tokens.ts';

const HOUR_MS = 3_600_000;
/** A refresh token dies so long after the login, whatever is done with it. */
export const LOGIN_LIFE_MS = 7 * 24 * HOUR_MS;
const WARN_AT_HOURS = [1, 6, 24] as const;

/** Ms that a login has to live; 0 when it is over. */
export function loginLeftMs(refreshIssuedAt: EasternUs, now: EasternUs): number {
  return Math.min(LOGIN_LIFE_MS, Math.max(0, LOGIN_LIFE_MS - elapsedMs(refreshIssuedAt, now)));
}

/** `6 d 23 h`, `5 h 12 min`, `0 min`. */
export function durationText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

/** Logs each of the warnings at 24, 6 and 1 hours once a login; call it often. */
export function createLoginWatch(clock: Clock, log: Logger): (refreshIssuedAt: EasternUs) => void {
  let login: EasternUs | null = null;
  let warnedAtHours: number = Number.POSITIVE_INFINITY;
  return (refreshIssuedAt) => {
    if (login !== refreshIssuedAt) warnedAtHours = Number.POSITIVE_INFINITY;
    login = refreshIssuedAt;
    const left = loginLeftMs(refreshIssuedAt, clock.now());
    const mark = WARN_AT_HOURS.find((hours) => left <= hours * HOUR_MS);
    if (mark === undefined || mark >= warnedAtHours) return;
    warnedAtHours = mark;
    const fields = { left: durationText(left), command: 'strikebase schwab login' };
    if (mark === 1) log.error(fields, 'schwab login is about to expire');
    else log.warn(fields, 'schwab login expires soon');
  };
}
