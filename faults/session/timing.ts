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
import type { Hours } from './venue.ts';

export interface SessionSettings {
  /** Which system is played. */
  readonly strategy: string;
  readonly seed: number;
  /** Times real time. */
  readonly speed: number;
  /** From the opening to the close of the market; a whole session has 390. Systems may open a short one later than 09:30. */
  readonly minutes: number;
}

export interface SessionTiming {
  readonly session: SessionArguments;
  /** What the clock shows when everything is prepared: the processes need a moment to start. */
  readonly shown: EasternUs;
  /** For FAST_CLOCK. */
  readonly fastClock: string;
}

const OPTION_CLOSE_MS = 15 * 60_000;

/** The timing of a session of `date`; its clock begins now, so long before the open. */
export function timingOf(
  date: SessionDate,
  { speed, minutes }: Pick<SessionSettings, 'speed' | 'minutes'>,
  { open, leadMs }: Pick<Hours, 'open' | 'leadMs'>,
): SessionTiming {
  const tsOpen = parseEastern(`${date} ${open}`) as EasternUs;
  const tsClose = addMs(tsOpen, minutes * 60_000);
  const shown = addMs(tsOpen, -leadMs);
  return {
    session: { sessionDate: dateOf(tsOpen), tsOpen, tsClose, tsOptionClose: addMs(tsClose, OPTION_CLOSE_MS) },
    shown,
    fastClock: [speed, Date.now(), epochMsFromEastern(shown)].join(','),
  };
}
