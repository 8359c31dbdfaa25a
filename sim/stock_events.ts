// Massive's stock events of simulated seconds: `T` for each print and the `A` aggregate of exactly those prints.
import { formatScaled } from '../core/decimal.ts';
import type { MarketSecond, Print } from './market.ts';
import type { SessionHours } from './session.ts';
import type { WireEvent } from './wire.ts';

const SECOND_MS = 1000;

function round4(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

function tradeEvent(symbol: string, startMs: number, print: Print): WireEvent {
  const t = startMs + print.atMs;
  const ds = formatScaled(print.size_e6, 6, 1);
  const s = Math.floor(print.size_e6 / 1e6);
  const event = { ev: 'T', sym: symbol, x: 12, i: String(print.seq), z: 3, p: print.price_e4 / 1e4, s, ds };
  return { sendMs: t, pair: `T.${symbol}`, event: { ...event, c: s < 100 ? [37] : [], t, q: print.seq } };
}

interface DayTotals {
  volume_e6: number;
  /** Dollars traded, for the day's VWAP. */
  notional: number;
  /** Dollars; null before the opening cross. */
  officialOpen: number | null;
}

function sumOf(prints: readonly Print[]): { volume_e6: number; notional: number } {
  let volume_e6 = 0;
  let notional = 0;
  for (const print of prints) {
    volume_e6 += print.size_e6;
    notional += (print.price_e4 / 1e4) * (print.size_e6 / 1e6);
  }
  return { volume_e6, notional };
}

function aggregateEvent(
  symbol: string,
  startMs: number,
  prints: readonly Print[],
  day: DayTotals,
): WireEvent | null {
  const first = prints[0];
  const last = prints.at(-1);
  if (first === undefined || last === undefined) return null;
  const { volume_e6, notional } = sumOf(prints);
  day.volume_e6 += volume_e6;
  day.notional += notional;
  const prices = prints.map((print) => print.price_e4);
  const event = {
    ev: 'A',
    sym: symbol,
    v: Math.floor(volume_e6 / 1e6),
    dv: formatScaled(volume_e6, 6, 1),
    av: Math.floor(day.volume_e6 / 1e6),
    dav: formatScaled(day.volume_e6, 6, 1),
    ...(day.officialOpen === null ? {} : { op: day.officialOpen }),
    vw: round4(notional / (volume_e6 / 1e6)),
    o: first.price_e4 / 1e4,
    c: last.price_e4 / 1e4,
    h: Math.max(...prices) / 1e4,
    l: Math.min(...prices) / 1e4,
    a: round4(day.notional / (day.volume_e6 / 1e6)),
    z: Math.round(volume_e6 / 1e6 / prints.length),
    s: startMs,
    e: startMs + SECOND_MS,
  };
  return { sendMs: startMs + SECOND_MS, pair: `A.${symbol}`, event, trades: prints.length };
}

/**
 * Turns the seconds of one symbol, given in order, into events in sending order: the prints (if `prints`), then the second's
 * aggregate, sent as the second ends. An empty second has no event. `startMs` is the second's start in epoch ms.
 */
export function createStockEvents(options: {
  readonly symbol: string;
  readonly session: SessionHours;
  readonly prints: boolean;
}): (second: MarketSecond, startMs: number) => WireEvent[] {
  const { symbol } = options;
  const day: DayTotals = { volume_e6: 0, notional: 0, officialOpen: null };
  return (second, startMs) => {
    const cross = second.prints[0];
    if (second.ts === options.session.tsOpen && cross !== undefined) day.officialOpen = cross.price_e4 / 1e4;
    const trades = options.prints ? second.prints.map((print) => tradeEvent(symbol, startMs, print)) : [];
    const bar = aggregateEvent(symbol, startMs, second.prints, day);
    return bar === null ? trades : [...trades, bar];
  };
}
