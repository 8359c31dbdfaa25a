// When on each day a file's rows lie, and how much was traded then: all that the calendar check looks at.
import type { EquityTick } from '../../core/domain.ts';
import { dateOf, type EasternUs, type SessionDate } from '../../core/eastern_time.ts';

const DAY_US = 86_400_000_000;
const MINUTE_US = 60_000_000;
export const MINUTES = 1_440;

export interface DayProfile {
  readonly date: SessionDate;
  rows: number;
  /** Rows in each minute of the day. */
  readonly counts: Float64Array;
  /** Volume in each minute. */
  readonly volumes: Float64Array;
}

export interface DayProfiles {
  /** Days in the order in which they came. */
  readonly days: DayProfile[];
  addTick(tick: EquityTick): void;
  addTime(us: EasternUs): void;
}

/** An empty collection of days. */
export function newDayProfiles(): DayProfiles {
  const byDay = new Map<number, DayProfile>();
  const days: DayProfile[] = [];
  let cachedDay = Number.NaN;
  let cached: DayProfile | null = null;
  const add = (us: EasternUs, volume: number): void => {
    const day = Math.floor(us / DAY_US);
    if (cached === null || day !== cachedDay) {
      cached = byDay.get(day) ?? newProfile(dateOf(us));
      if (!byDay.has(day)) days.push(cached);
      byDay.set(day, cached);
      cachedDay = day;
    }
    const minute = Math.floor((us - day * DAY_US) / MINUTE_US);
    cached.rows++;
    cached.counts[minute] = (cached.counts[minute] ?? 0) + 1;
    cached.volumes[minute] = (cached.volumes[minute] ?? 0) + volume;
  };
  return { days, addTick: (tick) => add(tick.ts_event, tick.volume_e6), addTime: (us) => add(us, 0) };
}

function newProfile(date: SessionDate): DayProfile {
  return { date, rows: 0, counts: new Float64Array(MINUTES), volumes: new Float64Array(MINUTES) };
}

/** Sums over minutes [from, to) of a day: of volume, or of rows where the file has no volume. */
export type SumMinutes = (from: number, to: number) => number;

/** Prefix sums of a day, so that a sum over any minutes costs one subtraction. */
export function sumsOf(day: DayProfile): SumMinutes {
  const hasVolume = day.volumes.some((volume) => volume > 0);
  const weights = hasVolume ? day.volumes : day.counts;
  const until = new Float64Array(MINUTES + 1);
  for (let minute = 0; minute < MINUTES; minute++) {
    until[minute + 1] = (until[minute] ?? 0) + (weights[minute] ?? 0);
  }
  const clamp = (minute: number): number => Math.min(Math.max(minute, 0), MINUTES);
  return (from, to) => (until[clamp(to)] ?? 0) - (until[clamp(from)] ?? 0);
}
