// Schwab's two ways to write a time, and the one that it wants to be asked in.
import { type EasternUs, easternFromEpochMs, epochMsFromEastern } from '../../../core/eastern_time.ts';

/** Eastern time of `2025-06-10T14:15:07+0000`, also with `Z`, a colon in the zone or a fraction; null otherwise. */
export function schwabTime(text: string | undefined): EasternUs | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|([+-]\d\d):?(\d\d))$/.exec(text ?? '');
  if (match === null) return null;
  const [, time, hours = '+00', minutes = '00'] = match;
  const epochMs = Date.parse(`${time}${hours}:${minutes}`);
  return Number.isNaN(epochMs) ? null : easternFromEpochMs(epochMs);
}

/** `2026-11-20T14:30:00.000Z`: the only form that queries take. */
export function queryTime(us: EasternUs): string {
  return new Date(epochMsFromEastern(us)).toISOString();
}
