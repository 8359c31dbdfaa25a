// Does a file's clock fit the exchange calendar? Volume knows: it jumps at the open, whatever the timestamps claim.
import { type EasternUs, midnightOf, type SessionDate } from '../../core/eastern_time.ts';
import { type ClockMisfit, findMisfit, type SessionDay, timedByEnd } from './clock_fit.ts';
import { type DayProfile, MINUTES, newDayProfiles, sumsOf } from './day_profile.ts';
import type { Finding, ImportBatch, ImportFile } from './import_file.ts';

const DAY_MS = 86_400_000;
const DAY_US = 86_400_000_000;
const MINUTE_US = 60_000_000;
const MAX_ZONE_SPAN_MS = 1_800_000;
const MAX_ROWS = 3_000_000;
const MAX_NAMED_DATES = 3;
// Extended hours of the consolidated tape.
const FIRST_MINUTE = 4 * 60;
const LAST_MINUTE = 20 * 60;
const MAX_OUTSIDE_SHARE = 0.01;

export interface SessionHours {
  readonly ts_open: EasternUs;
  readonly ts_close: EasternUs;
}

/** The session of a date: null where the exchange is closed, undefined where the calendar does not reach. */
export type SessionLookup = (date: SessionDate) => SessionHours | null | undefined;

export interface CalendarCheck {
  add(batch: ImportBatch): void;
  findings(): Finding[];
}

type CheckedFile = Pick<ImportFile, 'feed' | 'instrumentKind' | 'clock'>;

/** Reads a file once for its times alone (at most 3,000,000 rows) and says what does not fit the calendar. */
export async function checkCalendar(file: ImportFile, sessions: SessionLookup): Promise<Finding[]> {
  const check = startCalendarCheck(file, sessions);
  let rows = 0;
  for await (const batch of file.batches()) {
    check.add(batch);
    rows += batch.ticks.length + batch.quotes.length + batch.trades.length;
    if (rows >= MAX_ROWS) break;
  }
  return check.findings();
}

/** The same for batches that are read anyway. Errors need strong evidence: many days, or rows on a day without a session. */
export function startCalendarCheck(file: CheckedFile, sessions: SessionLookup): CalendarCheck {
  const profiles = newDayProfiles();
  return {
    add: (batch) => {
      for (const tick of batch.ticks) profiles.addTick(tick);
      for (const quote of batch.quotes) profiles.addTime(quote.ts_event);
      for (const trade of batch.trades) profiles.addTime(trade.ts_event);
    },
    findings: () => judge(file, profiles.days, sessions),
  };
}

function judge(file: CheckedFile, days: readonly DayProfile[], sessions: SessionLookup): Finding[] {
  // Cboe prints its daily indexes on some holidays: no calendar of theirs is claimed.
  if (file.instrumentKind === 'index' && file.feed.span_ms >= DAY_MS) return [];
  const open: SessionDay[] = [];
  const closed: DayProfile[] = [];
  const unknown: DayProfile[] = [];
  for (const profile of days) {
    const hours = sessions(profile.date);
    if (hours === undefined) unknown.push(profile);
    else if (hours === null) closed.push(profile);
    else open.push({ profile, ...minutesOf(profile.date, hours) });
  }
  const beyond =
    unknown.length === 0
      ? []
      : [warning(`${unknown.length} days lie beyond the exchange calendar and were not checked`)];
  const zone = zoneFindings(file, open);
  // With a wrong zone the dates are wrong too: one error, not many.
  if (zone.length > 0) return [...zone, ...beyond];
  return [...closedFindings(closed), ...hoursFindings(file, open), ...gapFindings(days, sessions), ...beyond];
}

function minutesOf(date: SessionDate, hours: SessionHours): { openMinute: number; closeMinute: number } {
  const midnight = midnightOf(date);
  const minute = (us: EasternUs): number => Math.round((us - midnight) / MINUTE_US);
  return { openMinute: minute(hours.ts_open), closeMinute: minute(hours.ts_close) };
}

function zoneFindings(file: CheckedFile, days: readonly SessionDay[]): Finding[] {
  if (file.feed.kind !== 'equity' || file.feed.span_ms > MAX_ZONE_SPAN_MS) return [];
  const misfit = findMisfit(days, file.feed.span_ms);
  return misfit === null ? [] : [error(misfitText(file, misfit))];
}

function misfitText(file: CheckedFile, misfit: ClockMisfit): string {
  const { days, judgedDays, opens, zone } = misfit;
  const times = opens
    .slice(0, MAX_NAMED_DATES)
    .map(({ minute, from }) => `${clockText(minute)} (from ${from})`);
  const what = `the session seems to open at ${times.join(', ')} on ${days} of ${judgedDays} days, not at 09:30 Eastern`;
  if (file.clock === 'stated')
    return `${what}: the zone that the file states, or that --tz gives, is not its own`;
  return zone === null
    ? `${what}: say in which zone the timestamps are, with --tz`
    : `${what}: this looks like ${zone} time; use --tz ${zone}`;
}

function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function closedFindings(closed: readonly DayProfile[]): Finding[] {
  if (closed.length === 0) return [];
  const rows = closed.reduce((sum, day) => sum + day.rows, 0);
  return [
    error(`${rows} rows lie on ${namedDates(closed.map(({ date }) => date))}, when the exchange is closed`),
  ];
}

function hoursFindings(file: CheckedFile, days: readonly SessionDay[]): Finding[] {
  if (file.feed.kind !== 'equity' || file.feed.span_ms >= DAY_MS) return [];
  const findings: Finding[] = [];
  if (file.feed.span_ms > 0 && timedByEnd(days, file.feed.span_ms)) {
    const text = `bars seem to be timed by their end: sessions begin one bar after the open and have one at the close; every bar would be ${file.feed.span_ms / 1000} s late`;
    findings.push(error(text));
  }
  const sums = days.map(({ profile }) => sumsOf({ ...profile, volumes: profile.counts }));
  const outside = sums.reduce((sum, rows) => sum + rows(0, FIRST_MINUTE) + rows(LAST_MINUTE + 1, MINUTES), 0);
  const all = sums.reduce((sum, rows) => sum + rows(0, MINUTES), 0);
  if (file.instrumentKind === 'equity' && outside > all * MAX_OUTSIDE_SHARE) {
    findings.push(warning(`${outside} of ${all} rows lie outside 04:00 to 20:00 Eastern`));
  }
  return findings;
}

/** Sessions between the file's first and last day of which it has no row. */
function gapFindings(days: readonly DayProfile[], sessions: SessionLookup): Finding[] {
  const dates = new Set(days.map(({ date }) => date));
  const sorted = [...dates].sort();
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return [];
  const missing: SessionDate[] = [];
  for (let us = midnightOf(first) + DAY_US; us < midnightOf(last); us += DAY_US) {
    const date = new Date(us / 1000).toISOString().slice(0, 10) as SessionDate;
    if (!dates.has(date) && sessions(date)) missing.push(date);
  }
  return missing.length === 0
    ? []
    : [warning(`no row of ${missing.length} sessions in between: ${namedDates(missing)}`)];
}

function namedDates(dates: readonly SessionDate[]): string {
  const rest = dates.length - MAX_NAMED_DATES;
  return dates.slice(0, MAX_NAMED_DATES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function error(text: string): Finding {
  return { severity: 'error', text };
}

function warning(text: string): Finding {
  return { severity: 'warning', text };
}
