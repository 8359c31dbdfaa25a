// Wall-clock times of other zones to Eastern time: for files whose timestamps are naive but not Eastern.
import { IANAZone } from 'luxon';
import { type EasternUs, easternFromEpochMs } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';

const EASTERN = 'America/New_York';
const HOUR_US = 3_600_000_000;
const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;

/** Eastern time of a wall-clock time (microseconds, as if the wall clock were UTC); null for an hour that a clock change skips. */
export type ToEastern = (wallUs: number) => EasternUs | null;

/** The conversion from an IANA zone. An hour that a clock change repeats counts as its first. Throws Failure on an unknown zone. */
export function easternFromZone(zoneName: string): ToEastern {
  if (zoneName === EASTERN) return (wallUs) => wallUs as EasternUs;
  if (!IANAZone.isValidZone(zoneName)) {
    throw new Failure(`unknown time zone: ${zoneName}`, {
      hint: 'use an IANA name such as America/New_York, America/Chicago or UTC',
    });
  }
  const zone = IANAZone.create(zoneName);
  let cachedBlock = Number.NaN;
  let cachedShiftUs: number | null = 0;
  return (wallUs) => {
    // Clocks change on a quarter of an hour everywhere, so one look-up serves all rows in between.
    const block = Math.floor(wallUs / (QUARTER_MS * 1000));
    if (block !== cachedBlock) {
      cachedShiftUs = shiftUs(zone, block * QUARTER_MS);
      cachedBlock = block;
    }
    return cachedShiftUs === null ? null : ((wallUs + cachedShiftUs) as EasternUs);
  };
}

function shiftUs(zone: IANAZone, wallMs: number): number | null {
  for (const near of [wallMs - DAY_MS, wallMs + DAY_MS]) {
    const offsetMs = zone.offset(near) * 60_000;
    const epochMs = wallMs - offsetMs;
    if (zone.offset(epochMs) * 60_000 === offsetMs) return easternFromEpochMs(epochMs) - wallMs * 1000;
  }
  return null;
}

let cachedHour = Number.NaN;
let cachedOffsetUs = 0;

/** Eastern time of Unix epoch microseconds: easternFromEpochMs, asked once an hour of ticks. */
export function easternFromEpochUs(epochUs: number): EasternUs {
  const hour = Math.floor(epochUs / HOUR_US);
  if (hour !== cachedHour) {
    cachedOffsetUs = easternFromEpochMs((hour * HOUR_US) / 1000) - hour * HOUR_US;
    cachedHour = hour;
  }
  return (epochUs + cachedOffsetUs) as EasternUs;
}
