// The hours of a simulated session: what trades when, and from when to when data is sent.
import { addMs, dateOf, type EasternUs, type SessionDate } from '../core/eastern_time.ts';

/** Data is collected from 30 minutes before the open to 30 minutes after the close. */
const MARGIN_MS = 30 * 60_000;
const OPTION_CLOSE_AFTER_MS = 15 * 60_000;

export interface SessionHours {
  readonly sessionDate: SessionDate;
  readonly tsOpen: EasternUs;
  readonly tsClose: EasternUs;
  /** Options on QQQ, SPY and SPX trade 15 minutes longer than the equity. */
  readonly tsOptionClose: EasternUs;
  /** First and last (exclusive) instant of the data. */
  readonly tsStart: EasternUs;
  readonly tsEnd: EasternUs;
}

export interface SessionArguments {
  readonly sessionDate: SessionDate;
  readonly tsOpen: EasternUs;
  readonly tsClose: EasternUs;
  /** Default: `tsClose` + 15 minutes. */
  readonly tsOptionClose?: EasternUs;
}

/** The hours of a session with its margins. Throws on times that are no session: a programmer's error. */
export function sessionHours(session: SessionArguments): SessionHours {
  const { sessionDate, tsOpen, tsClose } = session;
  const whole = tsOpen % 1_000_000 === 0 && tsClose % 1_000_000 === 0;
  if (!whole || tsOpen >= tsClose || dateOf(tsOpen) !== sessionDate || dateOf(tsClose) !== sessionDate) {
    throw new Error(`not a session of ${sessionDate}: open ${tsOpen}, close ${tsClose}`);
  }
  return {
    sessionDate,
    tsOpen,
    tsClose,
    tsOptionClose: session.tsOptionClose ?? addMs(tsClose, OPTION_CLOSE_AFTER_MS),
    tsStart: addMs(tsOpen, -MARGIN_MS),
    tsEnd: addMs(tsClose, MARGIN_MS),
  };
}
