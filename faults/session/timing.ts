// The day that a fault session plays, and how its clock relates to the machine's.
import {
  addMs,
  dateOf,
  type EasternUs,
  epochMsFromEastern,
  parseEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';
import type { SessionArguments } from '../../sim/session.ts';

export interface SessionSettings {
  readonly seed: number;
  /** Times real time. */
  readonly speed: number;
  /** From the opening to the close of the market; a whole session has 390. */
  readonly minutes: number;
}

export interface SessionTiming {
  readonly session: SessionArguments;
  /** What the clock shows when everything is prepared: the processes need a moment to start. */
  readonly shown: EasternUs;
  /** For FAST_CLOCK. */
  readonly fastClock: string;
}

const START_MS = 8 * 60_000;
const MARGIN_MS = 30 * 60_000;
const OPTION_CLOSE_MS = 15 * 60_000;

/** The timing of a session of `date`; its clock begins now. */
export function timingOf(date: SessionDate, { speed, minutes }: SessionSettings): SessionTiming {
  const tsOpen = parseEastern(`${date} 09:30:00`) as EasternUs;
  const tsClose = addMs(tsOpen, minutes * 60_000);
  const shown = addMs(tsOpen, -MARGIN_MS - START_MS);
  return {
    session: { sessionDate: dateOf(tsOpen), tsOpen, tsClose, tsOptionClose: addMs(tsClose, OPTION_CLOSE_MS) },
    shown,
    fastClock: [speed, Date.now(), epochMsFromEastern(shown)].join(','),
  };
}
