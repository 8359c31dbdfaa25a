// When options trade at the simulated Schwab: regular hours with the closures that are known, or always.
import {
  addMs,
  dateOf,
  type EasternUs,
  midnightOf,
  parseEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';

export interface TradingHours {
  /** The session of a date, half-open; null where there is none. */
  sessionOf(date: SessionDate): { readonly open: EasternUs; readonly close: EasternUs } | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

// NYSE closures and 13:00 closes of 2026 and 2027 (reference D1); late-close options such as QQQ's go on for 15 minutes.
const CLOSED =
  '2026-01-01 2026-01-19 2026-02-16 2026-04-03 2026-05-25 2026-06-19 2026-07-03 2026-09-07 2026-11-26 2026-12-25 ' +
  '2027-01-01 2027-01-18 2027-02-15 2027-03-26 2027-05-31 2027-06-18 2027-07-05 2027-09-06 2027-11-25 2027-12-24';
const EARLY = '2026-11-27 2026-12-24 2027-11-26';

/** Weekdays 09:30-16:15, 13:15 on early closes. */
export function regularHours(
  closed: readonly string[] = CLOSED.split(' '),
  early: readonly string[] = EARLY.split(' '),
): TradingHours {
  const closedDates = new Set(closed);
  const earlyDates = new Set(early);
  return {
    sessionOf: (date) => {
      const midnight = midnightOf(date);
      const weekday = new Date(midnight / 1000).getUTCDay();
      if (weekday === 0 || weekday === 6 || closedDates.has(date)) return null;
      const closeMinute = earlyDates.has(date) ? 13 * 60 + 15 : 16 * 60 + 15;
      return {
        open: addMs(midnight, (9 * 60 + 30) * MINUTE_MS),
        close: addMs(midnight, closeMinute * MINUTE_MS),
      };
    },
  };
}

export function isOpen(hours: TradingHours | 'always', at: EasternUs): boolean {
  if (hours === 'always') return true;
  const session = hours.sessionOf(dateOf(at));
  return session !== null && at >= session.open && at < session.close;
}

/** The next opening or close after `at`; null with hours that have none within two weeks. */
export function nextChange(
  hours: TradingHours,
  at: EasternUs,
): { readonly at: EasternUs; readonly kind: 'open' | 'close' } | null {
  const midnight = midnightOf(dateOf(at));
  for (let day = 0; day < 14; day += 1) {
    const session = hours.sessionOf(dateOf(addMs(midnight, day * DAY_MS)));
    if (session === null) continue;
    if (at < session.open) return { at: session.open, kind: 'open' };
    if (at < session.close) return { at: session.close, kind: 'close' };
  }
  return null;
}

/** `HH:MM` of a date. Throws on anything else. */
export function timeOf(date: SessionDate, text: string): EasternUs {
  const us = parseEastern(`${date} ${text}`);
  if (us === null) throw new Error(`not a time of day: ${text}`);
  return us;
}

/** The calendar day after a date. */
export function dayAfter(date: SessionDate): SessionDate {
  return dateOf(addMs(midnightOf(date), DAY_MS));
}
