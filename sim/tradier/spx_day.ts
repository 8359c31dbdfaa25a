// A simulated day of SPX for the simulated Tradier: index, VIX and VIX9D by the second, chains of every weekday of two weeks with greeks.
import { addMs, type EasternUs, midnightOf, type SessionDate } from '../../core/eastern_time.ts';
import { formatOsi, type OptionContract, type OptionKind, parseOsi } from '../../core/osi_symbol.ts';
import { optionValue, type Surface } from '../chain.ts';
import { marketSeconds } from '../market.ts';
import { randomStream } from '../random.ts';
import type { SessionHours } from '../session.ts';
import { regularHours } from '../venue/hours.ts';
import { isOptionSymbol } from '../venue/symbols.ts';
import type { Greeks, MarketRow, TradierMarket } from './market.ts';

export interface SpxDayOptions {
  readonly seed: number;
  readonly session: SessionHours;
  /** Points at the start of the session's data. */
  readonly price: number;
  /** Trading days that are listed after the session's own. */
  readonly days?: number;
  /** How far strikes of 5 points, and those of 25, lie from the price, as shares of it; default 0.06 and 0.12. */
  readonly reach?: { readonly near: number; readonly far: number };
}

const DAY_MS = 86_400_000;
const TRADING_SECONDS = 23_400;
const TRADING_DAYS_A_YEAR = 252;
const BASE_VOLATILITY = 0.16;
const STRIKE_STEP = 5;
const REACH = { near: 0.06, far: 0.12 };
const FAR_STEP = 25;
const HOUR_US = 3_600_000_000;

interface Second {
  readonly spot: number;
  /** Of the next weeks, a fraction. */
  readonly volatility: number;
}

function secondsOf(options: SpxDayOptions): readonly Second[] {
  const { seed, session, price } = options;
  const all: Second[] = [];
  for (const { mid, volatility } of marketSeconds({ seed, session, symbol: 'SPX', price })) {
    all.push({ spot: mid, volatility: BASE_VOLATILITY * (0.6 + 0.4 * volatility) });
  }
  return all;
}

function listExpirations({ session, days = 9 }: SpxDayOptions): readonly SessionDate[] {
  const hours = regularHours();
  const dates: SessionDate[] = [];
  for (let at = midnightOf(session.sessionDate); dates.length <= days; at = addMs(at, DAY_MS)) {
    const date = new Date(at / 1000).toISOString().slice(0, 10) as SessionDate;
    if (hours.sessionOf(date) !== null) dates.push(date);
  }
  return dates;
}

function isThirdFriday(date: string): boolean {
  const day = Number(date.slice(8, 10));
  return new Date(`${date}T00:00:00Z`).getUTCDay() === 5 && day > 14 && day < 22;
}

// Every 5 points near the money, every 25 beyond.
function strikesOf({ price, reach = REACH }: SpxDayOptions): readonly number[] {
  const strikes = new Set<number>();
  const add = (share: number, step: number): void => {
    const first = Math.ceil((price * (1 - share)) / step) * step;
    for (let strike = first; strike <= price * (1 + share); strike += step) strikes.add(strike);
  };
  add(reach.near, STRIKE_STEP);
  add(reach.far, FAR_STEP);
  return [...strikes].sort((a, b) => a - b);
}

function tickOf(px: number): number {
  return px < 3 ? 0.05 : 0.1;
}

function e4(px: number): number {
  return Math.round(px * 1e4);
}

/** Half the spread: a tick at least, and more for what is dear. */
function quoted(value: number): { readonly bid: number; readonly ask: number } {
  const tick = tickOf(value);
  const half = Math.max(tick / 2, 0.012 * value);
  const bid = Math.max(0, Math.floor((value - half) / tick + 1e-9) * tick);
  return { bid, ask: Math.max(bid + tick, Math.ceil((value + half) / tick - 1e-9) * tick) };
}

/** What a contract keeps all day. */
interface Book {
  readonly dayVolume: number;
  readonly openInterest: number;
  readonly bidSz: number;
  readonly askSz: number;
}

interface Point {
  readonly surface: Surface;
  /** Years to expiry in trading time. */
  readonly years: number;
  readonly volatility: number;
}

// By differences of the price: delta, gamma per point, theta a day, vega and rho per point of a hundred.
function greeksOf(
  contract: OptionContract,
  { surface, years, volatility }: Point,
  updatedAt: EasternUs,
): Greeks {
  const { spot } = surface;
  const root = Math.sqrt(Math.max(years, 1e-9));
  const value = (at: number, sigma: number): number =>
    optionValue({ spot: at, deviation: sigma * root }, contract);
  const step = spot * 0.001;
  const [down, same, up] = [spot - step, spot, spot + step].map((at) => value(at, volatility)) as [
    number,
    number,
    number,
  ];
  const vega = value(spot, volatility + 0.005) - value(spot, volatility - 0.005);
  const gamma = (up - 2 * same + down) / (step * step);
  const theta = (-0.5 * gamma * spot * spot * volatility * volatility) / 365;
  return {
    ...{ delta: (up - down) / (2 * step), gamma, theta, vega },
    ...{ rho: 0, phi: 0 },
    ...{ bid_iv: volatility * 0.99, mid_iv: volatility, ask_iv: volatility * 1.01, smv_vol: volatility },
    updatedAt,
  };
}

/** The market of a day. The same options give the same quotes at the same instant. */
export function spxDay(options: SpxDayOptions): TradierMarket {
  const { seed, session } = options;
  const seconds = secondsOf(options);
  const dates = listExpirations(options);
  const strikes = strikesOf(options);

  const secondAt = (at: EasternUs): Second => {
    const index = Math.floor((at - session.tsStart) / 1e6);
    return seconds[Math.min(seconds.length - 1, Math.max(0, index))] as Second;
  };

  function pointAt(contract: OptionContract, at: EasternUs): Point {
    const { spot, volatility } = secondAt(at);
    const position = dates.indexOf(contract.expiration as SessionDate);
    const today = Math.max(0, Math.min(TRADING_SECONDS, (session.tsClose - at) / 1e6));
    const days = today / TRADING_SECONDS + Math.max(0, position);
    // The last quotes keep a little time value.
    const years = Math.max(120 / TRADING_SECONDS, days) / TRADING_DAYS_A_YEAR;
    return { surface: { spot, deviation: volatility * Math.sqrt(years) }, years, volatility };
  }

  const books = new Map<string, Book>();
  function bookOf(symbol: string, contract: OptionContract): Book {
    const known = books.get(symbol);
    if (known !== undefined) return known;
    const random = randomStream(seed, symbol);
    const round = contract.strike_e4 % 1_000_000 === 0 ? 6 : contract.strike_e4 % 250_000 === 0 ? 3 : 1;
    const size = (): number => 1 + Math.floor(random.exponential(60));
    const book = {
      dayVolume: Math.floor(random.exponential(300 * round)),
      openInterest: Math.floor(random.exponential(800 * round)),
      ...{ bidSz: size(), askSz: size() },
    };
    books.set(symbol, book);
    return book;
  }

  function optionRow(symbol: string, contract: OptionContract, at: EasternUs): MarketRow {
    const point = pointAt(contract, at);
    const { bid, ask } = quoted(optionValue(point.surface, contract));
    const { dayVolume, openInterest, bidSz, askSz } = bookOf(symbol, contract);
    const passed = Math.max(0, at - session.tsOpen) / 1e6 / TRADING_SECONDS;
    return {
      ...{ symbol, at, openInterest, askSz },
      bid_e4: e4(bid),
      ask_e4: e4(ask),
      bidSz: bid === 0 ? 0 : bidSz,
      last_e4: dayVolume * passed < 1 ? null : e4((bid + ask) / 2),
      volume: Math.floor(dayVolume * passed),
      // Only who asks for greeks pays for them.
      get greeks() {
        return greeksOf(contract, point, (Math.floor(at / HOUR_US) * HOUR_US) as EasternUs);
      },
    };
  }

  function indexRow(symbol: string, at: EasternUs): MarketRow | null {
    const { spot, volatility } = secondAt(at);
    const values: Readonly<Record<string, number>> = {
      $SPX: Math.round(spot * 100) / 100,
      $VIX: Math.round(volatility * 10_400) / 100,
      $VIX9D: Math.round((volatility * 0.7 + BASE_VOLATILITY * 0.28) * 10_000) / 100,
    };
    const value = values[symbol];
    if (value === undefined) return null;
    const none = { bid_e4: 0, ask_e4: 0, bidSz: 0, askSz: 0, volume: 0, openInterest: 0, greeks: null };
    return { symbol, at, last_e4: e4(value), ...none };
  }

  // AM-settled contracts stand beside the others on third Fridays.
  const rootsOn = (expiration: string): readonly string[] =>
    isThirdFriday(expiration) ? ['SPX', 'SPXW'] : ['SPXW'];
  return {
    expirations: (underlying) => (underlying === '$SPX' ? dates : []),
    chain: (underlying, expiration, at) => {
      if (underlying !== '$SPX' || !dates.includes(expiration as SessionDate)) return [];
      return strikes.flatMap((strike) =>
        rootsOn(expiration).flatMap((root) =>
          (['call', 'put'] as const).map((option_kind: OptionKind) => {
            const contract = { root, expiration, option_kind, strike_e4: strike * 1e4 };
            return optionRow(formatOsi(contract), contract, at);
          }),
        ),
      );
    },
    row: (symbol, at) => {
      if (!isOptionSymbol(symbol)) return indexRow(symbol, at);
      const contract = parseOsi(symbol);
      const isListed =
        contract !== null &&
        dates.includes(contract.expiration as SessionDate) &&
        strikes.includes(contract.strike_e4 / 1e4) &&
        rootsOn(contract.expiration).includes(contract.root);
      return isListed ? optionRow(symbol, contract, at) : null;
    },
  };
}
