// Which of a frame's rows belong to a stream's feed: of its kind and span, of this day, and of symbols that were asked for.
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import type { MappedFrame } from './massive/mapper.ts';
import { rejectedRow } from './massive/rejected.ts';
import type { StreamFeed } from './stream_feed.ts';

export interface RowRules {
  readonly feed: StreamFeed;
  /** True for symbols that this process has subscribed to at any time. */
  readonly isAsked: (symbol: string) => boolean;
}

interface TimedRow {
  readonly symbol: string;
  readonly ts_event: EasternUs;
  readonly ts_recv: EasternUs;
}

/** Clocks differ by seconds, not by minutes: a row from further ahead could stand as the newest for as long. */
const MAX_AHEAD_MS = 60_000;

/** The frame without rows that are not the feed's: those are rejected with the reason. */
export function onlyRowsOf(mapped: MappedFrame, rules: RowRules): MappedFrame {
  const { feed } = rules;
  const rejected = [...mapped.rejected];
  const sound = <Row extends TimedRow>(rows: readonly Row[], isKind: boolean): Row[] =>
    rows.filter((row) => {
      const reason = isKind ? faultOf(row, rules) : null;
      if (reason !== null) rejected.push(rejectedRow(row, reason));
      return isKind && reason === null;
    });
  const ticks = sound(mapped.ticks, feed.kind === 'equity').filter((tick) => {
    // Seconds and minutes of one feed would add up twice.
    if (tick.span_ms === feed.span_ms) return true;
    rejected.push(rejectedRow(tick, `its span is not the feed's ${feed.span_ms} ms`));
    return false;
  });
  const isOption = feed.kind === 'option';
  return {
    ...mapped,
    ticks,
    quotes: sound(mapped.quotes, isOption),
    trades: sound(mapped.trades, isOption),
    rejected,
  };
}

/** Event time of the sound rows among those received at an instant: [from, to). */
export function soundTimes(tsRecv: EasternUs): { readonly from: EasternUs; readonly to: EasternUs } {
  const from = (Math.floor(tsRecv / DAY_US) * DAY_US) as EasternUs;
  return { from, to: Math.min(addMs(tsRecv, MAX_AHEAD_MS) + 1, from + DAY_US) as EasternUs };
}

function faultOf({ symbol, ts_event, ts_recv }: TimedRow, { isAsked }: RowRules): string | null {
  if (!isAsked(symbol)) return 'nobody asked for this symbol';
  if (ts_event > addMs(ts_recv, MAX_AHEAD_MS)) return 'its time lies in the future';
  return isSameDay(ts_event, ts_recv) ? null : 'its time is of another day';
}

const DAY_US = 86_400_000_000;

// Eastern times count as if the wall clock were UTC, so days are whole numbers of microseconds.
function isSameDay(a: EasternUs, b: EasternUs): boolean {
  return Math.floor(a / DAY_US) === Math.floor(b / DAY_US);
}
