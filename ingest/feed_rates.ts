// The platform measures its own feed: what came in each minute, in which bursts, and how late.
import { addMs, type EasternUs, formatEastern } from '../core/eastern_time.ts';
import type { MappedFrame } from './massive/mapper.ts';
import type { QuoteRange } from './quote_columns.ts';
import type { StreamWriter } from './stream_writer.ts';

/** One minute of a stream. Lags are receipt minus event, in milliseconds, null without rows. */
export interface FeedRate {
  /** Start of the minute of receipt. */
  readonly ts: EasternUs;
  readonly frames: number;
  readonly events: number;
  readonly bytes: number;
  readonly symbols: number;
  readonly burst_100ms: number;
  readonly lag_p50_ms: number | null;
  readonly lag_p99_ms: number | null;
  readonly lag_max_ms: number | null;
}

export interface RateMeter {
  /** Counts a frame; returns the minute that it ended, or null. */
  note(frame: { readonly data: Buffer; readonly ts_recv: EasternUs }, mapped: MappedFrame): FeedRate | null;
  /** The minute so far; null if nothing came. The next frame begins anew. */
  end(): FeedRate | null;
}

const MINUTE_US = 60_000_000;
const BURST_US = 100_000;
// Exact to the millisecond below ten seconds, to the second above, as far as two hours.
const FINE = 10_000;
const BINS = FINE + 7_200;

/** Puts a minute into ops.feed_rates; a minute that a restart has cut in two is one row. */
export async function storeRate(writer: StreamWriter, rate: FeedRate, spooledBytes: number): Promise<void> {
  const { frames, events, bytes, symbols, burst_100ms, lag_p50_ms, lag_p99_ms, lag_max_ms } = rate;
  const counts = [frames, events, bytes, symbols, burst_100ms, lag_p50_ms, lag_p99_ms, lag_max_ms];
  await writer.query(RATE_SQL, [
    writer.feedId,
    writer.stream,
    formatEastern(rate.ts),
    ...counts,
    spooledBytes,
  ]);
}

const RATE_SQL = `
  insert into ops.feed_rates as r (
    feed_id, stream, ts, frames, events, bytes, symbols, burst_100ms, lag_p50_ms, lag_p99_ms, lag_max_ms, spooled_bytes
  ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  on conflict on constraint feed_rates_pk do update set
    frames = r.frames + excluded.frames,
    events = r.events + excluded.events,
    bytes = r.bytes + excluded.bytes,
    symbols = greatest(r.symbols, excluded.symbols),
    burst_100ms = greatest(r.burst_100ms, excluded.burst_100ms),
    lag_p50_ms = greatest(r.lag_p50_ms, excluded.lag_p50_ms),
    lag_p99_ms = greatest(r.lag_p99_ms, excluded.lag_p99_ms),
    lag_max_ms = greatest(r.lag_max_ms, excluded.lag_max_ms),
    spooled_bytes = excluded.spooled_bytes`;

/** A meter of one stream. */
export function createRateMeter(): RateMeter {
  const lags = new Uint32Array(BINS);
  const symbols = new Set<string>();
  // Contracts of columns that are among the symbols: asking the set for each quote would cost more than all the rest.
  let isNoted = new Uint8Array(0);
  let minute: EasternUs | null = null;
  let frames = 0;
  let events = 0;
  let bytes = 0;
  let burst = 0;
  let burstAt = 0;
  let burstNow = 0;
  let maxLag: number | null = null;

  function end(): FeedRate | null {
    if (minute === null) return null;
    const counts = { frames, events, bytes, symbols: symbols.size, burst_100ms: burst };
    const of = { lag_p50_ms: quantile(lags, 0.5), lag_p99_ms: quantile(lags, 0.99), lag_max_ms: maxLag };
    const rate = { ts: minute, ...counts, ...of };
    lags.fill(0);
    symbols.clear();
    isNoted.fill(0);
    [frames, events, bytes, burst, burstAt, burstNow] = [0, 0, 0, 0, 0, 0];
    minute = null;
    maxLag = null;
    return rate;
  }

  function lag(receivedAt: EasternUs, knownAt: EasternUs): void {
    const ms = Math.max(0, Math.round((receivedAt - knownAt) / 1000));
    const bin = ms < FINE ? ms : Math.min(BINS - 1, FINE + Math.floor(ms / 1000));
    lags[bin] = (lags[bin] as number) + 1;
    if (maxLag === null || ms > maxLag) maxLag = ms;
  }

  function noteScanned({ columns, from, to }: QuoteRange, ts_recv: EasternUs): void {
    const all = columns.contracts.symbols;
    if (isNoted.length < all.length) {
      const more = new Uint8Array(all.length * 2);
      more.set(isNoted);
      isNoted = more;
    }
    for (let n = from; n < to; n += 1) {
      const contract = columns.contract[n] as number;
      if (isNoted[contract] === 0) {
        isNoted[contract] = 1;
        symbols.add(all[contract] as string);
      }
      lag(ts_recv, columns.ts_event[n] as EasternUs);
    }
  }

  return {
    end,
    note: ({ data, ts_recv }, mapped) => {
      const at = (ts_recv - (ts_recv % MINUTE_US)) as EasternUs;
      const ended = minute !== null && at !== minute ? end() : null;
      minute = at;
      const { ticks, quotes, trades, rejected } = mapped;
      const scanned = mapped.scanned === undefined ? 0 : mapped.scanned.to - mapped.scanned.from;
      const count = ticks.length + quotes.length + trades.length + rejected.length + scanned;
      frames += 1;
      events += count;
      bytes += data.length;
      for (const row of ticks) {
        symbols.add(row.symbol);
        lag(ts_recv, addMs(row.ts_event, row.span_ms));
      }
      for (const rows of [quotes, trades]) {
        for (const row of rows) {
          symbols.add(row.symbol);
          lag(ts_recv, row.ts_event);
        }
      }
      if (mapped.scanned !== undefined) noteScanned(mapped.scanned, ts_recv);
      const slot = Math.floor(ts_recv / BURST_US);
      burstNow = slot === burstAt ? burstNow + count : count;
      burstAt = slot;
      if (burstNow > burst) burst = burstNow;
      return ended;
    },
  };
}

/** The smallest lag that `share` of the counted ones do not exceed. */
function quantile(lags: Uint32Array, share: number): number | null {
  const total = lags.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    seen += lags[bin] as number;
    if (seen >= total * share) return bin < FINE ? bin : (bin - FINE) * 1000;
  }
  return null;
}
