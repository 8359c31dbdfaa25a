// The simulated equity market: a seeded price and volume model on a second grid. The model is described in docs/simulated-market.md.
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import { type RandomStream, randomStream } from './random.ts';
import type { SessionHours } from './session.ts';

/** One print within a second. */
export interface Print {
  /** Milliseconds after the second's start, 0-999, not decreasing within the second. */
  readonly atMs: number;
  readonly price_e4: number;
  readonly size_e6: number;
  /** Strictly increasing over the session, with gaps. */
  readonly seq: number;
}

/** What happened in [ts, ts + 1 s). No prints: an empty second. */
export interface MarketSecond {
  readonly ts: EasternUs;
  /** Mid price in dollars at the second's end. */
  readonly mid: number;
  /** The model's current volatility, as a multiple of its usual one for this time of day. */
  readonly volatility: number;
  readonly prints: readonly Print[];
}

export interface MarketOptions {
  readonly seed: number;
  readonly session: SessionHours;
  readonly symbol: string;
  /** Price in dollars at the session's first second. */
  readonly price: number;
}

const SECOND_MS = 1000;
const MEAN_PRINT_SHARES = 205;
const MAX_PRINTS_A_SECOND = 150;
const OPENING_CROSS_SHARES = 300_000;
const CLOSING_CROSS_SHARES = 900_000;
// Log-volatility reverts with a half-life of 30 minutes around a standard deviation of 0.3.
const VOLATILITY_PULL = Math.LN2 / 1800;
const VOLATILITY_SD = 0.3;
const VOLATILITY_STEP = VOLATILITY_SD * Math.sqrt(2 * VOLATILITY_PULL);
const REGIME_MEAN_SECONDS = 1200;
const RANGE_PULL = Math.LN2 / 480;
const TREND_DRIFT = 1.2e-6;

function minutesBetween(from: EasternUs, to: EasternUs): number {
  return (to - from) / 60_000_000;
}

/** Expected shares a minute: high after the open, flat at noon, highest into the close; thin outside the session. */
export function volumeRate(session: SessionHours, ts: EasternUs): number {
  if (ts < session.tsOpen) return 9000;
  if (ts >= session.tsClose) return 12_000;
  const since = minutesBetween(session.tsOpen, ts);
  const left = minutesBetween(ts, session.tsClose);
  const opening = 130_000 * Math.exp(-since / 80) + 400_000 * Math.exp(-since / 6);
  const closing = 90_000 * Math.exp(-left / 15) + 900_000 * Math.exp(-left / 1.5);
  return 95_000 + opening + closing;
}

/** Standard deviation of a one-minute log return: about 0.10 % at the open, 0.04 % at noon. */
export function minuteVolatility(session: SessionHours, ts: EasternUs): number {
  if (ts < session.tsOpen) return 2e-4;
  if (ts >= session.tsClose) return 1e-4;
  const since = minutesBetween(session.tsOpen, ts);
  return 1e-4 * (3.7 + 3.2 * Math.exp(-since / 90) + 2.8 * Math.exp(-since / 12));
}

interface Regime {
  readonly kind: 'trend' | 'range';
  readonly driftPerSecond: number;
  readonly anchor: number;
  secondsLeft: number;
}

function nextRegime(random: RandomStream, logPrice: number): Regime {
  const kind = random.chance(0.5) ? 'trend' : 'range';
  return {
    kind,
    driftPerSecond: kind === 'trend' ? TREND_DRIFT * random.normal() : 0,
    anchor: logPrice,
    secondsLeft: Math.ceil(random.exponential(REGIME_MEAN_SECONDS)),
  };
}

// The price path: a random walk with its own volatility process, drifting in trends and pulled back in ranges.
function createPricePath(options: MarketOptions): (ts: EasternUs) => { mid: number; volatility: number } {
  const random = randomStream(options.seed, options.session.sessionDate, options.symbol, 'price');
  let logPrice = Math.log(options.price);
  let logVolatility = VOLATILITY_SD * random.normal();
  let regime = nextRegime(random, logPrice);
  return (ts) => {
    logVolatility += VOLATILITY_STEP * random.normal() - VOLATILITY_PULL * logVolatility;
    const volatility = Math.exp(logVolatility - VOLATILITY_SD * VOLATILITY_SD);
    const step = (minuteVolatility(options.session, ts) / Math.sqrt(60)) * volatility;
    const pull = regime.kind === 'range' ? RANGE_PULL * (regime.anchor - logPrice) : regime.driftPerSecond;
    logPrice += pull + step * random.normal();
    regime.secondsLeft -= 1;
    if (regime.secondsLeft <= 0) regime = nextRegime(random, logPrice);
    return { mid: Math.exp(logPrice), volatility };
  };
}

// Odd lots, round lots, blocks and, since 2026, fractions of a share; the mean is MEAN_PRINT_SHARES.
function printSize(random: RandomStream): number {
  const kind = random.next();
  if (kind < 0.05) return 1 + Math.floor(random.exponential(8e6));
  if (kind < 0.55) return 1e6 * Math.min(99, 1 + Math.floor(random.exponential(40)));
  if (kind < 0.9) return 1e8 * random.int(1, 3);
  return 1e8 * (4 + Math.floor(random.exponential(8)));
}

// Prints fall half a cent to a cent beside the mid; some are midpoint prints at half a cent.
function printPrice(random: RandomStream, mid: number): number {
  if (random.chance(0.08)) return Math.max(50, Math.round(mid * 200) * 50);
  const beside = (random.chance(0.5) ? 1 : -1) * (random.chance(0.8) ? 0.005 : 0.01);
  return Math.max(100, Math.round((mid + beside) * 100) * 100);
}

function crossShares(session: SessionHours, ts: EasternUs, random: RandomStream): number {
  const mean = ts === session.tsOpen ? OPENING_CROSS_SHARES : CLOSING_CROSS_SHARES;
  return Math.round(mean * Math.exp(0.25 * random.normal()));
}

// The prints of one second; the opening and the closing cross come first in theirs.
function createTape(
  options: MarketOptions,
): (ts: EasternUs, from: number, to: number, pace: number) => Print[] {
  const { session } = options;
  const random = randomStream(options.seed, session.sessionDate, options.symbol, 'prints');
  let seq = 1000;
  const nextSeq = (): number => {
    seq += random.int(1, 40);
    return seq;
  };
  const cross = (ts: EasternUs, mid: number): Print => ({
    atMs: 0,
    price_e4: Math.round(mid * 100) * 100,
    size_e6: 1e6 * crossShares(session, ts, random),
    seq: nextSeq(),
  });
  return (ts, from, to, pace) => {
    const crosses = ts === session.tsOpen || ts === session.tsClose ? [cross(ts, from)] : [];
    const burst = pace * Math.exp(0.8 * random.normal() - 0.32);
    const mean = (volumeRate(session, ts) / 60 / MEAN_PRINT_SHARES) * burst;
    const count = Math.min(MAX_PRINTS_A_SECOND, random.poisson(mean));
    const times = Array.from({ length: count }, () => random.int(1, 999)).sort((a, b) => a - b);
    const prints = times.map((atMs) => {
      const mid = from + ((to - from) * atMs) / SECOND_MS;
      return { atMs, price_e4: printPrice(random, mid), size_e6: printSize(random), seq: nextSeq() };
    });
    return [...crosses, ...prints];
  };
}

/** Every second of a session from its start to its end, in order. The same options give the same seconds. */
export function* marketSeconds(options: MarketOptions): Generator<MarketSecond, void, void> {
  const path = createPricePath(options);
  const tape = createTape(options);
  let previous = options.price;
  for (let ts = options.session.tsStart; ts < options.session.tsEnd; ts = addMs(ts, SECOND_MS)) {
    const { mid, volatility } = path(ts);
    yield { ts, mid, volatility, prints: tape(ts, previous, mid, volatility) };
    previous = mid;
  }
}
