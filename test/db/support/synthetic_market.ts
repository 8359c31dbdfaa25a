// Three small sessions, drawn from a seed: a full day and a half day of minute bars, and a Monday that opens with seconds.
import type { EquityTick, OptionQuote } from '../../../core/domain.ts';
import { addMs, type EasternUs } from '../../../core/eastern_time.ts';
import { type RandomStream, randomStream } from '../../../sim/random.ts';
import { contract, eastern, tick } from './market.ts';

export interface SyntheticMarket {
  readonly ticks: readonly EquityTick[];
  readonly quotes: readonly OptionQuote[];
}

/** Range of the three sessions: 2025-11-26, 2025-11-28 (to 13:00) and 2025-12-01. */
export const SYNTHETIC_RANGE = { from: eastern('2025-11-26'), to: eastern('2025-12-02') } as const;

interface Session {
  readonly date: string;
  readonly close: EasternUs;
  /** Seconds up to here, minutes from here on. */
  readonly secondsTo: EasternUs;
}

const SESSIONS: readonly Session[] = [
  { date: '2025-11-26', close: eastern('2025-11-26 16:00'), secondsTo: eastern('2025-11-26 09:30') },
  { date: '2025-11-28', close: eastern('2025-11-28 13:00'), secondsTo: eastern('2025-11-28 09:30') },
  { date: '2025-12-01', close: eastern('2025-12-01 16:00'), secondsTo: eastern('2025-12-01 10:40') },
];
const STRIKES = [596, 597, 598, 599, 600, 601, 602, 603, 604];
const PRE_MARKET_MS = 5 * 60_000;
const AFTER_HOURS_MS = 10 * 60_000;

// Plus, minus, times and divided by only: the same digits on every machine.
function fairValue(spot: number, strike: number, of: { isCall: boolean; minutesLeft: number }): number {
  const distance = spot - strike;
  const intrinsic = Math.max(of.isCall ? distance : -distance, 0);
  const time = (1.6 * Math.max(of.minutesLeft, 0)) / 390;
  return intrinsic + time / (1 + (distance * distance) / 4);
}

function drawTick(random: RandomStream, at: { ts: EasternUs; spanMs: number; cents: number }): EquityTick {
  const { ts, spanMs, cents } = at;
  const low = cents - random.int(0, 6);
  const high = cents + random.int(0, 6);
  const isTypical = random.chance(0.02);
  const vwap_e6 = isTypical
    ? Math.round(((low + high + cents) * 10_000) / 3)
    : low * 10_000 + random.int(0, (high - low) * 10_000);
  return tick({
    ts_event: ts,
    span_ms: spanMs,
    open_e4: random.int(low, high) * 100,
    high_e4: high * 100,
    low_e4: low * 100,
    close_e4: cents * 100,
    vwap_e6,
    vwap_is_typical: isTypical,
    volume_e6: random.int(1, 5000) * 1_000_000,
    trade_count: random.int(1, 90),
  });
}

/** Rows from before the open to after the close; some minutes and many seconds have none. */
function drawTicks(session: Session, random: RandomStream): EquityTick[] {
  const ticks: EquityTick[] = [];
  let cents = 60_000;
  let ts = addMs(eastern(`${session.date} 09:30`), -PRE_MARKET_MS);
  while (ts < addMs(session.close, AFTER_HOURS_MS)) {
    const spanMs = ts < session.secondsTo ? 1000 : 60_000;
    const step = spanMs === 1000 ? 3 : 14;
    // Drawn back towards 600: the VWAP crosses its average often.
    cents += random.int(-step, step) - Math.round((cents - 60_000) / 40);
    if (!random.chance(spanMs === 1000 ? 0.5 : 0.04)) ticks.push(drawTick(random, { ts, spanMs, cents }));
    ts = addMs(ts, spanMs);
  }
  return ticks;
}

type Side = readonly [px: number | null, size: number | null];

/** Now and then a side is missing, or the two are crossed. */
function drawSides(random: RandomStream, fair: number): { bid: Side; ask: Side } {
  const half = random.int(1, 3);
  const bid = Math.floor(fair * 100) - half;
  const ask = Math.ceil(fair * 100) + half;
  const sizes = [random.int(1, 40), random.int(1, 40)] as const;
  const fate = random.next();
  if (fate < 0.01) return { bid: [ask * 100, sizes[0]], ask: [Math.max(bid, 1) * 100, sizes[1]] };
  const bidSide: Side = bid <= 0 || fate < 0.02 ? [null, null] : [bid * 100, sizes[0]];
  return { bid: bidSide, ask: fate > 0.99 ? [null, null] : [ask * 100, sizes[1]] };
}

/** When a contract is quoted: once a minute, at its end or a little later; every few seconds while the ticks are seconds. */
function drawQuoteTimes(session: Session, random: RandomStream): EasternUs[] {
  const times: EasternUs[] = [];
  let ts = eastern(`${session.date} 09:35`);
  while (ts < addMs(session.close, AFTER_HOURS_MS)) {
    if (!random.chance(0.02)) times.push(random.chance(0.5) ? ts : addMs(ts, random.int(0, 3999)));
    // The same instant again, with the next sequence.
    if (random.chance(0.01)) times.push(times.at(-1) ?? ts);
    ts =
      ts < session.secondsTo
        ? addMs(ts, random.int(1, 16) * 500)
        : addMs((ts - (ts % 60_000_000)) as EasternUs, 60_000);
  }
  return times;
}

function drawQuotes(session: Session, random: RandomStream, ticks: readonly EquityTick[]): OptionQuote[] {
  return STRIKES.flatMap((strike) =>
    (['C', 'P'] as const).flatMap((kind) => {
      let nextTick = 0;
      let spot = 600;
      let before: OptionQuote | null = null;
      return drawQuoteTimes(session, random).map((ts_event): OptionQuote => {
        for (
          ;
          nextTick < ticks.length && (ticks[nextTick] as EquityTick).ts_event < ts_event;
          nextTick += 1
        ) {
          spot = (ticks[nextTick] as EquityTick).close_e4 / 10_000;
        }
        const minutesLeft = (session.close - ts_event) / 60_000_000;
        const { bid, ask } = drawSides(
          random,
          fairValue(spot, strike, { isCall: kind === 'C', minutesLeft }),
        );
        const quote: OptionQuote = {
          symbol: contract(`${kind}${strike}`, session.date),
          ts_event,
          event_ns: 0,
          seq: before?.ts_event === ts_event ? before.seq + 1 : 0,
          bid_px_e4: bid[0],
          ask_px_e4: ask[0],
          bid_sz: bid[1],
          ask_sz: ask[1],
          ts_recv: addMs(ts_event, 20),
        };
        before = quote;
        return quote;
      });
    }),
  );
}

/** The same rows for the same seed, on every machine. */
export function drawMarket(seed: number): SyntheticMarket {
  const days = SESSIONS.map((session) => {
    const ticks = drawTicks(session, randomStream(seed, `ticks ${session.date}`));
    return { ticks, quotes: drawQuotes(session, randomStream(seed, `quotes ${session.date}`), ticks) };
  });
  return { ticks: days.flatMap((day) => day.ticks), quotes: days.flatMap((day) => day.quotes) };
}
