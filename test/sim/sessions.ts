// Sessions and tapes that the simulator's tests share.
import { type EasternUs, parseEastern, type SessionDate } from '../../core/eastern_time.ts';
import type { SessionArguments } from '../../sim/session.ts';
import { createTape, type Tape, type TapeOptions } from '../../sim/tape.ts';

/** Eastern time of `YYYY-MM-DD HH:MM:SS`. */
export function at(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new Error(`not a time: ${text}`);
  return us;
}

export function session(date: string, open = '09:30', close = '16:00'): SessionArguments {
  return { sessionDate: date as SessionDate, tsOpen: at(`${date} ${open}`), tsClose: at(`${date} ${close}`) };
}

/** A few simulated minutes, for tests of the connection. */
export function shortSession(): SessionArguments {
  return session('2026-11-20', '09:30', '09:32');
}

export const FULL_DAY: SessionArguments = session('2026-11-20');

export function fullDayTape(options: Partial<TapeOptions> = {}): Tape {
  return createTape({ ...FULL_DAY, seed: 7, ...options });
}

/** A plain check for loops over a session: `expect` takes microseconds, and a session has a million events. */
export function must(holds: boolean, what: string, value: unknown): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(value)}`);
}
