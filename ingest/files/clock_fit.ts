// Which clock a file's timestamps are on: the one on which trading jumps at the open and stays inside the session.
import { IANAZone } from 'luxon';
import { type EasternUs, epochMsFromEastern, midnightOf, type SessionDate } from '../../core/eastern_time.ts';
import { type DayProfile, MINUTES, type SumMinutes, sumsOf } from './day_profile.ts';

const MINUTE_US = 60_000_000;
const MIN_ROWS = 30;
const JUMP_MINUTES = 15;
const MIN_JUMP = 3;
const MIN_OPENING_SHARE = 0.02;
// Of a day's volume: inside the session of the right clock, inside that of Eastern time taken on trust.
const MIN_SESSION_SHARE = 0.85;
const TRUSTED_SESSION_SHARE = 0.95;
const MIN_DAYS_FOR_SHIFT = 3;
// Of the days: on the better clock, and by how many more than on Eastern time.
const MIN_DAYS_SHARE = 0.8;
const MIN_LEAD_SHARE = 0.05;

/** Zones that vendors use, the likelier first: where two agree on all days, the first is named. */
const ZONES = [
  ...['America/Chicago', 'UTC', 'America/Los_Angeles', 'America/Denver'],
  ...['Europe/London', 'Europe/Berlin', 'Etc/GMT+5', 'Etc/GMT+4'],
];

/** A session in minutes after midnight, Eastern. */
export interface SessionDay {
  readonly profile: DayProfile;
  readonly openMinute: number;
  readonly closeMinute: number;
}

/** A clock and the minute of its open on each day; `zone` is null for a plain shift of so many minutes. */
interface Candidate {
  readonly zone: string | null;
  /** Of a day's volume, at least so much must lie inside the session on this clock. */
  readonly minShare: number;
  openMinute(day: SessionDay): number;
}

export interface ClockMisfit {
  readonly zone: string | null;
  readonly days: number;
  readonly judgedDays: number;
  /** Minutes of the day at which the session seems to open, with the first date of each. */
  readonly opens: readonly { readonly minute: number; readonly from: SessionDate }[];
}

/** The clock that fits better than Eastern time; null where Eastern time fits, or nothing does. */
export function findMisfit(days: readonly SessionDay[], spanMs: number): ClockMisfit | null {
  const judged = days.filter(({ profile }) => profile.rows >= MIN_ROWS);
  const facts = judged.map((day) => ({ day, sums: sumsOf(day.profile), window: jumpWindow(spanMs) }));
  const eastern = facts.map(fitsEastern);
  const easternDays = eastern.filter(Boolean).length;
  let best: ClockMisfit | null = null;
  for (const candidate of candidates(judged.length)) {
    const fitting = facts.filter((fact, index) => fits(fact, candidate, eastern[index] ?? false));
    if (fitting.length <= (best?.days ?? 0)) continue;
    const opens = opensOf(
      fitting.map(({ day }) => day),
      candidate,
    );
    best = { zone: candidate.zone, days: fitting.length, judgedDays: judged.length, opens };
  }
  if (best === null || best.days < judged.length * MIN_DAYS_SHARE) return null;
  return best.days - easternDays >= Math.max(1, judged.length * MIN_LEAD_SHARE) ? best : null;
}

function jumpWindow(spanMs: number): number {
  return Math.max(JUMP_MINUTES, Math.ceil(spanMs / 60_000));
}

interface DayFacts {
  readonly day: SessionDay;
  readonly sums: SumMinutes;
  readonly window: number;
}

function fitsEastern({ day, sums, window }: DayFacts): boolean {
  return (
    jumpsAt(sums, day.openMinute, window) || shareInside(sums, day, day.openMinute) >= TRUSTED_SESSION_SHARE
  );
}

function fits(fact: DayFacts, candidate: Candidate, fitsOnEastern: boolean): boolean {
  const open = candidate.openMinute(fact.day);
  if (open === fact.day.openMinute) return fitsOnEastern;
  const { day, sums, window } = fact;
  return jumpsAt(sums, open, window) && shareInside(sums, day, open) >= candidate.minShare;
}

function jumpsAt(sums: SumMinutes, minute: number, window: number): boolean {
  const before = sums(minute - window, minute);
  const after = sums(minute, minute + window);
  return after > MIN_JUMP * before && after >= MIN_OPENING_SHARE * sums(0, MINUTES);
}

// The closing cross prints at the close itself: that minute counts as inside.
function shareInside(sums: SumMinutes, day: SessionDay, open: number): number {
  return sums(open, open + day.closeMinute - day.openMinute + 1) / sums(0, MINUTES);
}

// News can make any half hour look like an open: on few days a shift that is no known zone needs better evidence.
function candidates(judgedDays: number): Candidate[] {
  const zones = ZONES.map((name) => ({
    zone: name,
    minShare: MIN_SESSION_SHARE,
    openMinute: opensIn(IANAZone.create(name)),
  }));
  const halfHours = Array.from({ length: 49 }, (_, index) => (index - 24) * 30).filter(
    (shift) => shift !== 0,
  );
  const shifts = halfHours.map((shift) => ({
    zone: null,
    minShare: judgedDays < MIN_DAYS_FOR_SHIFT ? TRUSTED_SESSION_SHARE : MIN_SESSION_SHARE,
    openMinute: (day: SessionDay) => day.openMinute + shift,
  }));
  return [...zones, ...shifts];
}

function opensIn(zone: IANAZone): (day: SessionDay) => number {
  return ({ profile, openMinute }) => {
    const midnight = midnightOf(profile.date);
    const epochMs = epochMsFromEastern((midnight + openMinute * MINUTE_US) as EasternUs);
    return Math.round((epochMs - midnight / 1000) / 60_000) + zone.offset(epochMs);
  };
}

function opensOf(days: readonly SessionDay[], candidate: Candidate): ClockMisfit['opens'] {
  const opens: { minute: number; from: SessionDate }[] = [];
  for (const day of days) {
    const minute = candidate.openMinute(day);
    if (opens.at(-1)?.minute !== minute) opens.push({ minute, from: day.profile.date });
  }
  return opens;
}

/**
 * True where bars seem to be timed by their end: the first minute of the session is the last before the jump, day after day.
 * Bars of whole minutes only.
 */
export function timedByEnd(days: readonly SessionDay[], spanMs: number): boolean {
  const span = spanMs / 60_000;
  if (!Number.isInteger(span) || span < 1 || span > 30) return false;
  const judged = days.filter(({ profile }) => profile.rows >= MIN_ROWS);
  const complete = judged.filter((day) => lacksOpenOnly(day, span)).length;
  const jumping = judged.filter((day) => jumpsOneLate(day, span)).length;
  if (judged.length === 0) return false;
  // One day without its first bar is proof if all others are there; a late jump may be chance on a single day.
  return (
    complete >= judged.length * MIN_DAYS_SHARE || (jumping >= 3 && jumping >= judged.length * MIN_DAYS_SHARE)
  );
}

function lacksOpenOnly({ profile, openMinute, closeMinute }: SessionDay, span: number): boolean {
  const { counts } = profile;
  const before = counts.slice(Math.max(openMinute - 60, 0), openMinute + 1);
  if (before.some((count) => count > 0) || (counts[closeMinute] ?? 0) === 0) return false;
  for (let minute = openMinute + span; minute <= closeMinute; minute += span) {
    if ((counts[minute] ?? 0) === 0) return false;
  }
  return true;
}

function jumpsOneLate({ profile, openMinute }: SessionDay, span: number): boolean {
  const at = (bars: number): number => profile.volumes[openMinute + bars * span] ?? 0;
  const quiet = (at(-1) + at(-2) + at(-3)) / 3;
  return quiet > 0 && at(0) < MIN_JUMP * quiet && at(1) > MIN_JUMP * at(0);
}
