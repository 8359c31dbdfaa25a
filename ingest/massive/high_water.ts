// Up to which event time a connection's data is complete, as far as a client can know.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { MappedFrame } from './mapper.ts';

export interface HighWater {
  /** Takes the rows of a frame, once they are where the mark may speak for them (committed, or about to be with it). */
  observe(mapped: MappedFrame): void;
  /**
   * Exclusive: events before this time have arrived, events at it may still follow. Null before the first event.
   */
  value(): EasternUs | null;
}

/**
 * The mark of one connection: the latest vendor event time seen on it, the START of an aggregate counting as its time. The
 * vendor sends events of a connection in time order but says nothing when nothing happens, so the mark stands still while the
 * market does; the caller lets the clock take over after `mute_after_ms`. A time ahead of its own receipt counts as its
 * receipt, so that one absurd time cannot close periods that are still open. Late rows never move the mark back.
 */
export function createHighWater(): HighWater {
  let mark: EasternUs | null = null;
  const seen = (event: EasternUs, received: EasternUs): void => {
    const at = event < received ? event : received;
    if (mark === null || at > mark) mark = at;
  };
  return {
    value: () => mark,
    observe: (mapped) => {
      for (const rows of [mapped.ticks, mapped.quotes, mapped.trades]) {
        for (const { ts_event, ts_recv } of rows) seen(ts_event, ts_recv);
      }
      if (mapped.scanned === undefined) return;
      const { columns, from, to } = mapped.scanned;
      for (let n = from; n < to; n += 1)
        seen(columns.ts_event[n] as EasternUs, columns.ts_recv[n] as EasternUs);
    },
  };
}
