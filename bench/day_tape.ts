// A simulated day as the frames that a socket would bring, thinned to a wanted number of quotes; made before anything is timed.
import { addMs, type EasternUs, type SessionDate } from '../core/eastern_time.ts';
import { createTape, type Tape } from '../sim/tape.ts';
import type { WireEvent } from '../sim/wire.ts';
import { timeOn } from './quote_rows.ts';

export const DAY = '2026-03-20' as SessionDate;

export interface DayOptions {
  readonly strikesEachSide: number;
  /** Of 13 quotes so many are kept. */
  readonly keptOf13: number;
  /** Seconds from the open on. */
  readonly seconds: number;
}

/** What is received at one instant. */
export interface ReceivedFrame {
  readonly tsRecv: EasternUs;
  readonly data: Buffer;
}

/** What happens in one minute of the market. */
export interface DayMinute {
  /** Its end. */
  readonly to: EasternUs;
  readonly stocks: readonly ReceivedFrame[];
  readonly options: readonly ReceivedFrame[];
  readonly quotes: number;
}

export const DAY_OPEN = timeOn(DAY, '09:30');

const EVENTS_A_FRAME = 100;
const MINUTE_MS = 60_000;
const DELAY_MS = 20;

export function dayTape(strikesEachSide: number): Tape {
  const tsClose = timeOn(DAY, '16:00');
  return createTape({ sessionDate: DAY, tsOpen: DAY_OPEN, tsClose, seed: 1, prints: false, strikesEachSide });
}

/** Frames of at most 100 events, received 20 ms after the last of them has happened. */
export function* dayMinutes(options: DayOptions): Generator<DayMinute, void, void> {
  const keep = thinning(options.keptOf13);
  const until = addMs(DAY_OPEN, options.seconds * 1000);
  let minute = { stocks: [] as ReceivedFrame[], options: [] as ReceivedFrame[], quotes: 0 };
  for (const second of dayTape(options.strikesEachSide).seconds()) {
    if (second.ts < DAY_OPEN) continue;
    if (second.ts >= until) return;
    const chain = second.events.options.filter(keep);
    minute.options.push(...framesOf(chain, second));
    minute.stocks.push(...framesOf(second.events.stocks, second));
    minute.quotes += chain.length;
    const to = addMs(second.ts, 1000);
    if (((to - DAY_OPEN) / 1000) % MINUTE_MS !== 0) continue;
    yield { to, ...minute };
    minute = { stocks: [], options: [], quotes: 0 };
  }
}

function thinning(keptOf13: number): (event: WireEvent) => boolean {
  let n = 0;
  return ({ event }) => {
    if (event.ev !== 'Q') return false;
    n += 5;
    return n % 13 < keptOf13;
  };
}

function framesOf(
  events: readonly WireEvent[],
  second: { readonly ts: EasternUs; readonly startMs: number },
): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  for (let i = 0; i < events.length; i += EVENTS_A_FRAME) {
    const some = events.slice(i, i + EVENTS_A_FRAME);
    const data = Buffer.from(JSON.stringify(some.map(({ event }) => event)));
    const sentMs = (some.at(-1)?.sendMs ?? second.startMs) - second.startMs;
    frames.push({ tsRecv: addMs(second.ts, sentMs + DELAY_MS), data });
  }
  return frames;
}
