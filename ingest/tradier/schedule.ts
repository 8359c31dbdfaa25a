// When snapshots are due, and of which expirations.
import {
  addMs,
  type EasternUs,
  midnightOf,
  parseEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';

export interface ScheduleOptions {
  readonly sessionDate: SessionDate;
  readonly tsOpen: EasternUs;
  readonly tsClose: EasternUs;
  /** Between snapshots, counted from the full hour. */
  readonly everyMs: number;
  /** `HH:MM` of further ones: where one of them is due anyway it is the same snapshot. */
  readonly exactly: readonly string[];
}

const MINUTE_MS = 60_000;
const DAY_US = 86_400_000_000;

/** Instants at which snapshots are due, in [open, close], each once. */
export function snapshotTimes(options: ScheduleOptions): readonly EasternUs[] {
  const { sessionDate, tsOpen, tsClose, everyMs, exactly } = options;
  const midnight = midnightOf(sessionDate);
  const first = Math.ceil((tsOpen - midnight) / 1000 / everyMs);
  const times = new Set<EasternUs>();
  for (let at = addMs(midnight, first * everyMs); at <= tsClose; at = addMs(at, everyMs)) times.add(at);
  for (const time of exactly) {
    const at = parseEastern(`${sessionDate} ${time}`);
    if (at === null) throw new Error(`not a time of day: ${time}`);
    if (at >= tsOpen && at <= tsClose) times.add(at);
  }
  return [...times].sort((a, b) => a - b);
}

/** Minutes of the session on the minute, in [open, close]: when held legs and indexes are quoted. */
export function minuteTimes({
  tsOpen,
  tsClose,
}: Pick<ScheduleOptions, 'tsOpen' | 'tsClose'>): readonly EasternUs[] {
  const times: EasternUs[] = [];
  for (let at = tsOpen; at <= tsClose; at = addMs(at, MINUTE_MS)) times.push(at);
  return times;
}

/** Calendar days from a session to an expiration. */
export function daysTo(expiration: SessionDate, sessionDate: SessionDate): number {
  return Math.round((midnightOf(expiration) - midnightOf(sessionDate)) / DAY_US);
}

/**
 * The expirations nearest to each target of days, none further from it than the tolerance; where two are equally near, both, so
 * that whichever the rule takes is there.
 */
export function targetExpirations(
  listed: readonly SessionDate[],
  sessionDate: SessionDate,
  targets: { readonly days: readonly number[]; readonly tolerance: number },
): readonly SessionDate[] {
  const chosen = new Set<SessionDate>();
  for (const days of targets.days) {
    const distance = (date: SessionDate): number => Math.abs(daysTo(date, sessionDate) - days);
    const nearest = Math.min(...listed.map(distance));
    if (nearest > targets.tolerance) continue;
    for (const date of listed) if (distance(date) === nearest) chosen.add(date);
  }
  return [...chosen].sort();
}
