// How far a live run may go: what is complete, what still waits for late ticks, and what the clock alone decides.
import { addMs, type EasternUs } from '../core/eastern_time.ts';

/** Where a stream stands, as ops.stream_marks has it. */
export interface Mark {
  /** Event time, exclusive. */
  readonly highWater: EasternUs;
  /** When its last row was received. */
  readonly receivedAt: EasternUs;
}

export interface SliceEndOptions {
  /** Null while the stream has never brought a row. */
  readonly ticks: Mark | null;
  readonly quotes: Mark | null;
  readonly now: EasternUs;
  /** A stream that is silent for longer counts as complete up to the clock, so that a forced exit never waits for it. */
  readonly muteAfterMs: number;
  /** Ticks that lag further behind the clock are not waited for: exits hang on the quotes. Infinity while nothing is held. */
  readonly mostLagMs: number;
  /** Periods wait this long for late ticks. */
  readonly graceMs: number;
  readonly periodMs: number;
  /** Of the session: its periods are counted from there. */
  readonly opensAt: EasternUs;
}

function completeTo(mark: Mark | null, now: EasternUs, muteAfterMs: number): EasternUs {
  const isMute = mark === null || addMs(mark.receivedAt, muteAfterMs) < now;
  return isMute ? now : mark.highWater;
}

/**
 * End of the next slice. Quotes are taken as far as they are complete, since exits hang on them; but not beyond a period that is
 * still waiting for its ticks: what its signal decides comes before the quotes after it.
 */
export function sliceEnd(options: SliceEndOptions): EasternUs {
  const { now, muteAfterMs, mostLagMs, graceMs } = options;
  const quotes = completeTo(options.quotes, now, muteAfterMs);
  const told = completeTo(options.ticks, now, muteAfterMs);
  const ticks = Math.max(told, addMs(now, -mostLagMs));
  const firstUnripe = nextClose(addMs(Math.min(quotes, ticks) as EasternUs, -graceMs), options);
  return Math.min(quotes, firstUnripe - 1) as EasternUs;
}

/** The first end of a period after `us`. */
export function nextClose(
  us: EasternUs,
  { opensAt, periodMs }: Pick<SliceEndOptions, 'opensAt' | 'periodMs'>,
): EasternUs {
  const period = periodMs * 1000;
  return (opensAt + (Math.floor((us - opensAt) / period) + 1) * period) as EasternUs;
}
