// A simulated market that is open right now, in real time, for processes that live by the machine's clock.
import type pg from 'pg';
import { systemClock } from '../../../core/clock.ts';
import { addMs, dateOf, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import {
  type MassiveSimulator,
  type MassiveSimulatorOptions,
  startMassiveSimulator,
} from '../../../sim/massive_server.ts';
import type { SessionArguments } from '../../../sim/session.ts';

export const API_KEY = 'canary-ingest-41c7';
const SECOND_US = 1_000_000;
const DAY_US = 86_400 * SECOND_US;

/** The machine's Eastern time, at a whole second. */
export function wholeSecondNow(): EasternUs {
  const now = systemClock().now();
  return (now - (now % SECOND_US)) as EasternUs;
}

/** A session that opened two minutes ago and closes in three hours, or at the end of the day. */
export function sessionNow(): SessionArguments {
  const now = wholeSecondNow();
  const midnight = (now - (now % DAY_US)) as EasternUs;
  const tsClose = Math.min(addMs(now, 3 * 3_600_000), addMs(midnight, 86_399_000)) as EasternUs;
  const tsOpen = Math.max(addMs(now, -120_000), midnight) as EasternUs;
  return { sessionDate: dateOf(now), tsOpen, tsClose, tsOptionClose: tsClose };
}

/** Makes the session known to the database, where today may be a Sunday. */
export async function knowSession(pool: pg.Pool, session: SessionArguments): Promise<void> {
  const values = [session.sessionDate, formatEastern(session.tsOpen), formatEastern(session.tsClose)];
  await pool.query(
    `insert into ref.sessions (session_date, ts_open, ts_close, ts_option_close, is_early_close) values ($1, $2, $3, $3, false)
     on conflict (session_date) do update set
       ts_open = excluded.ts_open, ts_close = excluded.ts_close, ts_option_close = excluded.ts_option_close`,
    values,
  );
}

/** Starts the market at this very second; it waits for nobody. */
export async function openMarket(options: Partial<MassiveSimulatorOptions> = {}): Promise<MassiveSimulator> {
  const simulator = await startMassiveSimulator({
    ...sessionNow(),
    seed: 11,
    speed: 1,
    stepMs: 100,
    pacing: 'free',
    apiKey: API_KEY,
    strikesEachSide: 3,
    from: wholeSecondNow(),
    ...options,
  });
  simulator.begin();
  return simulator;
}
