// The simulated 0DTE option chain: quotes and prints around a Black-Scholes value. The model is described in docs/simulated-market.md.
import { formatOsi, type OptionKind, type OsiSymbol, toMassive } from '../core/osi_symbol.ts';
import { callValue } from './black_scholes.ts';
import type { MarketSecond } from './market.ts';
import { type RandomStream, randomStream } from './random.ts';
import type { SessionHours } from './session.ts';
import type { WireEvent } from './wire.ts';

export interface SimulatedContract {
  readonly symbol: OsiSymbol;
  /** Massive's spelling, `O:QQQ251219C00410000`. */
  readonly ticker: string;
  readonly underlying: string;
  readonly option_kind: OptionKind;
  readonly expiration: string;
  readonly strike_e4: number;
}

export interface ChainOptions {
  readonly seed: number;
  readonly session: SessionHours;
  readonly underlying: string;
  /** Dollars; the listed strikes lie around it. */
  readonly price: number;
  /** Listed $1 strikes on each side of the price. */
  readonly strikesEachSide: number;
}

const SECOND_MS = 1000;
const TRADING_SECONDS_A_YEAR = 252 * 23_400;
const BASE_VOLATILITY = 0.17;
const TICKS_A_DOLLAR = 100;

/** The contracts of the session's own expiry, ordered by strike, the call before the put. */
export function listContracts(options: ChainOptions): readonly SimulatedContract[] {
  const { session, underlying } = options;
  const centre = Math.round(options.price);
  const contracts: SimulatedContract[] = [];
  for (
    let strike = centre - options.strikesEachSide;
    strike <= centre + options.strikesEachSide;
    strike += 1
  ) {
    for (const option_kind of ['call', 'put'] as const) {
      const terms = {
        root: underlying,
        expiration: session.sessionDate,
        option_kind,
        strike_e4: strike * 1e4,
      };
      const symbol = formatOsi(terms);
      const { expiration, strike_e4 } = terms;
      contracts.push({ symbol, ticker: toMassive(symbol), underlying, option_kind, expiration, strike_e4 });
    }
  }
  return contracts;
}

/** What the chain is priced from at one second. */
export interface Surface {
  /** Mid of the underlying in dollars. */
  readonly spot: number;
  /** At-the-money standard deviation of the log return until the close; 0 after it. */
  readonly deviation: number;
}

/** The pricing inputs of a second. Before the close at least two minutes are left, so that the last quotes keep some time value. */
export function surfaceAt(session: SessionHours, second: MarketSecond): Surface {
  const secondsLeft = Math.max(0, (session.tsClose - second.ts) / 1e6);
  const years = secondsLeft === 0 ? 0 : Math.max(120, secondsLeft) / TRADING_SECONDS_A_YEAR;
  const volatility = BASE_VOLATILITY * (0.6 + 0.4 * second.volatility);
  return { spot: second.mid, deviation: volatility * Math.sqrt(years) };
}

/** Model value in dollars: one smile for calls and puts, so that put-call parity holds exactly. */
export function optionValue(
  surface: Surface,
  contract: Pick<SimulatedContract, 'strike_e4' | 'option_kind'>,
): number {
  const { spot, deviation } = surface;
  const strike = contract.strike_e4 / 1e4;
  const distance = deviation === 0 ? 0 : Math.max(-6, Math.min(6, Math.log(strike / spot) / deviation));
  const smile = 1 - 0.06 * distance + 0.02 * distance * distance;
  const call = callValue(spot, strike, deviation * smile);
  return contract.option_kind === 'call' ? call : Math.max(0, call - spot + strike);
}

/** Half the quoted spread in ticks: wider for dear options, in the first minute, toward the close and after it. */
export function halfSpreadTicks(session: SessionHours, second: MarketSecond, value: number): number {
  const sinceOpen = (second.ts - session.tsOpen) / 1e6;
  const left = (session.tsClose - second.ts) / 1e6;
  const opening = 1 + 3 * Math.exp(-sinceOpen / 30);
  const closing = left > 0 ? 1 + 1.5 * Math.exp(-left / 600) : 4;
  return (0.3 + 0.3 * value) * opening * closing;
}

interface Book {
  readonly contract: SimulatedContract;
  readonly random: RandomStream;
  /** One-tick disagreement with the model, redrawn now and then. */
  shift: number;
  bid: number;
  ask: number;
  quoteSeq: number;
  tradeSeq: number;
}

function newBook(options: ChainOptions, contract: SimulatedContract): Book {
  const random = randomStream(options.seed, options.session.sessionDate, contract.ticker);
  const quoteSeq = random.int(1e6, 9e8);
  return { contract, random, shift: 0, bid: -1, ask: -1, quoteSeq, tradeSeq: random.int(1e6, 9e8) };
}

function quoteSize(random: RandomStream): number {
  return 1 + Math.floor(random.exponential(random.chance(0.2) ? 150 : 35));
}

function quoteEvent(book: Book, t: number): WireEvent {
  const { ticker } = book.contract;
  const { random } = book;
  book.quoteSeq += random.int(1, 9);
  const noBid = book.bid <= 0;
  const bid = { bx: 302, bp: noBid ? 0 : book.bid / TICKS_A_DOLLAR, bs: noBid ? 0 : quoteSize(random) };
  const ask = { ax: 308, ap: book.ask / TICKS_A_DOLLAR, as: quoteSize(random) };
  const event = { ev: 'Q', sym: ticker, ...bid, ...ask, t, q: book.quoteSeq };
  return { sendMs: t, pair: `Q.${ticker}`, event };
}

function tradeEvent(book: Book, t: number): WireEvent {
  const { ticker } = book.contract;
  book.tradeSeq += book.random.int(1, 99);
  const ticks = book.bid > 0 && book.random.chance(0.5) ? book.bid : book.ask;
  const s = 1 + Math.floor(book.random.exponential(4));
  const event = { ev: 'T', sym: ticker, x: 312, p: ticks / TICKS_A_DOLLAR, s, c: [233], t, q: book.tradeSeq };
  return { sendMs: t, pair: `T.${ticker}`, event };
}

// Moves the book to the model's value; true if a new quote is due.
function requote(book: Book, session: SessionHours, second: MarketSecond, value: number): boolean {
  const { random } = book;
  if (random.chance(0.1)) book.shift = random.int(-1, 1);
  const half = halfSpreadTicks(session, second, value);
  const ticks = value * TICKS_A_DOLLAR;
  const bid = Math.max(0, Math.floor(ticks - half) + book.shift);
  const ask = Math.max(bid + 1, Math.ceil(ticks + half) + book.shift);
  const moved = bid !== book.bid || ask !== book.ask;
  book.bid = bid;
  book.ask = ask;
  return moved || random.chance(0.03);
}

// Prints are frequent at the money and rare three dollars away.
function isTraded(book: Book, spot: number): boolean {
  const distance = (book.contract.strike_e4 / 1e4 - spot) / 2;
  return book.random.chance(0.12 * Math.exp((-distance * distance) / 2));
}

/**
 * Turns the underlying's seconds, given in order, into the chain's events in sending order: at most one quote and one print a
 * second for each contract, none outside [open, option close). `startMs` is the second's start in epoch ms.
 */
export function createChainEvents(
  options: ChainOptions,
): (second: MarketSecond, startMs: number) => WireEvent[] {
  const { session } = options;
  const books = listContracts(options).map((contract) => newBook(options, contract));
  return (second, startMs) => {
    if (second.ts < session.tsOpen || second.ts >= session.tsOptionClose) return [];
    const surface = surfaceAt(session, second);
    const events: WireEvent[] = [];
    for (const book of books) {
      const t = startMs + book.random.int(0, SECOND_MS - 1);
      const due = requote(book, session, second, optionValue(surface, book.contract));
      if (due) events.push(quoteEvent(book, t));
      // A print follows its quote, so that it never trades through what was shown.
      if (isTraded(book, surface.spot)) events.push(tradeEvent(book, t));
    }
    return events.sort((a, b) => a.sendMs - b.sendMs);
  };
}
