// A year of minute bars from a seeded random walk: every session minute of 2025 has one, so that all engines count the same rows.
import { writeFile } from 'node:fs/promises';
import { addMs, type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import type { SessionTimes } from '../jobs/run.ts';
import { randomStream } from '../sim/random.ts';

/** 250 sessions, to the day after the last. */
export const YEAR = { from: '2025-01-01', to: '2026-01-01' } as const;

export interface MinuteBar {
  /** Start of the minute. */
  readonly ts: EasternUs;
  readonly date: string;
  readonly open_e4: number;
  readonly high_e4: number;
  readonly low_e4: number;
  readonly close_e4: number;
  readonly vwap_e6: number;
  readonly volume: number;
}

const MINUTE_MS = 60_000;
// Options trade a quarter of an hour longer.
const OPTION_CLOSE_AFTER_MS = 15 * MINUTE_MS;
const FIRST_PRICE_E4 = 5_200_000;
const STEP_E4 = 3000;

export function yearRange(): { from: EasternUs; to: EasternUs } {
  return { from: parseEastern(YEAR.from) as EasternUs, to: parseEastern(YEAR.to) as EasternUs };
}

/** The bars of the sessions, in time order. */
export function yearBars(sessions: readonly SessionTimes[]): MinuteBar[] {
  const random = randomStream(1, YEAR.from, 'minute bars');
  const bars: MinuteBar[] = [];
  let price = FIRST_PRICE_E4;
  for (const { date, ts_open, ts_option_close } of sessions) {
    const close = addMs(ts_option_close, -OPTION_CLOSE_AFTER_MS);
    for (let ts = ts_open; ts < close; ts = addMs(ts, MINUTE_MS)) {
      const prices = [price, price + step(), price + step(), price + step()].map(
        // To the nearest cent: cut off, years of them would fall below nothing.
        (each) => Math.round(each / 100) * 100,
      );
      const [open_e4 = 0, a = 0, b = 0, close_e4 = 0] = prices;
      const vwap_e6 = Math.round((open_e4 + a + b + close_e4) * 25);
      const high_e4 = Math.max(open_e4, a, b, close_e4);
      const low_e4 = Math.min(open_e4, a, b, close_e4);
      bars.push({
        ts,
        date,
        open_e4,
        high_e4,
        low_e4,
        close_e4,
        vwap_e6,
        volume: random.int(20_000, 900_000),
      });
      price = close_e4;
    }
  }
  return bars;

  function step(): number {
    return random.int(-STEP_E4, STEP_E4);
  }
}

/** The bars as a file for `strikebase import`. */
export async function writeBars(path: string, bars: readonly MinuteBar[]): Promise<void> {
  const lines = bars.map((bar) => {
    const prices = [bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4].map((each) => each / 1e4);
    return `${formatEastern(bar.ts)},${prices.join(',')},${bar.volume},100,${(bar.vwap_e6 / 1e6).toFixed(6)}`;
  });
  await writeFile(
    path,
    `${['timestamp,open,high,low,close,volume,trade_count,vwap', ...lines].join('\n')}\n`,
  );
}
