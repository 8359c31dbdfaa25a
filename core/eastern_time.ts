// Vendor epochs to Eastern wall-clock time and back: the only conversion in TypeScript (in SQL: ref.eastern, ref.instant).
import { IANAZone } from 'luxon';

/**
 * America/New_York wall-clock time in microseconds, counted as if the wall clock were UTC. 09:30 Eastern is 34,200 s after
 * midnight on every day of the year. The hour repeated in autumn (a Sunday, 01:00-02:00) is ambiguous; nothing trades then.
 */
export type EasternUs = number & { readonly __brand: 'EasternUs' };

/** A session's date, `YYYY-MM-DD`, Eastern. */
export type SessionDate = string & { readonly __brand: 'SessionDate' };

const NEW_YORK = IANAZone.create('America/New_York');
const HOUR_MS = 3_600_000;
const DAY_US = 86_400_000_000;

// New York changes its offset on full UTC hours only, so one look-up serves a whole hour of ticks.
let cachedHour = Number.NaN;
let cachedOffsetMs = 0;

function offsetMsAt(epochMs: number): number {
  const hour = Math.floor(epochMs / HOUR_MS);
  if (hour !== cachedHour) {
    cachedOffsetMs = NEW_YORK.offset(hour * HOUR_MS) * 60_000;
    cachedHour = hour;
  }
  return cachedOffsetMs;
}

/** Eastern time of Unix epoch milliseconds (fractions of a millisecond are kept to the microsecond). */
export function easternFromEpochMs(epochMs: number): EasternUs {
  return Math.round((epochMs + offsetMsAt(epochMs)) * 1000) as EasternUs;
}

/** Eastern time of Unix epoch nanoseconds in decimal text, and the nanoseconds (0-999) that microseconds cannot hold. */
export function easternFromEpochNs(text: string): { us: EasternUs; ns: number } {
  const epochUs = Number(text.slice(0, -3));
  return { us: (epochUs + offsetMsAt(epochUs / 1000) * 1000) as EasternUs, ns: Number(text.slice(-3)) };
}

/** Unix epoch milliseconds of an Eastern time; the earlier instant where the autumn hour repeats. */
export function epochMsFromEastern(us: EasternUs): number {
  const wallMs = us / 1000;
  // Daylight time (the smaller distance from UTC) first: it gives the earlier of two instants.
  for (const guess of [offsetMsAt(wallMs + 4 * HOUR_MS), offsetMsAt(wallMs + 5 * HOUR_MS)]) {
    const epochMs = wallMs - guess;
    if (offsetMsAt(epochMs) === guess) return epochMs;
  }
  return wallMs - offsetMsAt(wallMs + 5 * HOUR_MS);
}

const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?$/;

/** Parses `YYYY-MM-DD[ HH:MM[:SS[.ffffff]]]` as Eastern wall-clock time; null if it is not a real date and time. */
export function parseEastern(text: string): EasternUs | null {
  const match = TIMESTAMP.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = ''] = match;
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const check = new Date(ms);
  if (check.getUTCDate() !== Number(day) || check.getUTCMonth() !== Number(month) - 1) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  return (ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'))) as EasternUs;
}

/** `YYYY-MM-DD HH:MM:SS`, with six decimals when there is a fraction of a second. */
export function formatEastern(us: EasternUs): string {
  const seconds = new Date(Math.floor(us / 1_000_000) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const fraction = ((us % 1_000_000) + 1_000_000) % 1_000_000;
  return fraction === 0 ? seconds : `${seconds}.${String(fraction).padStart(6, '0')}`;
}

/** The Eastern calendar date of a time. */
export function dateOf(us: EasternUs): SessionDate {
  return new Date(Math.floor(us / 1000)).toISOString().slice(0, 10) as SessionDate;
}

/** Midnight Eastern of a date. Throws on a text that is no date: a programmer's error, outside text goes through parseEastern. */
export function midnightOf(date: SessionDate): EasternUs {
  const us = parseEastern(date);
  if (us === null || us % DAY_US !== 0) throw new Error(`not a date: ${date}`);
  return us;
}

/** `us` moved by milliseconds. */
export function addMs(us: EasternUs, ms: number): EasternUs {
  return (us + ms * 1000) as EasternUs;
}
