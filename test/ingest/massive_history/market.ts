// A made-up market whose every row can be foretold: what the vendor of the tests sends, and what must be in the database.
import { parseOsi, toOsi } from '../../../core/osi_symbol.ts';

export interface MarketSession {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** Hours that Eastern time is behind UTC on that day. */
  readonly utcOffset: 4 | 5;
  /** Regular hours as `HH:MM`. */
  readonly open: string;
  readonly close: string;
}

export interface HistoryMarket {
  readonly underlying: string;
  readonly sessions: readonly MarketSession[];
  /** The vendor's today: contracts that expire before it have expired. */
  readonly today: string;
  /** Quotes of each contract in each session. */
  readonly quotes: number;
  readonly trades: number;
  /** Dollars; listed are the whole strikes within `reach` of it. */
  readonly price: number;
  readonly reach: number;
}

export function fullDay(date: string, utcOffset: 4 | 5 = 4): MarketSession {
  return { date, utcOffset, open: '09:30', close: '16:00' };
}

/** Epoch milliseconds of an Eastern time on a session's day. */
export function epochMs({ date, utcOffset }: MarketSession, time: string): number {
  return Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}Z`) + utcOffset * 3_600_000;
}

export interface Bar {
  readonly t: number;
  readonly o: number;
  readonly h: number;
  readonly l: number;
  readonly c: number;
  readonly v: number;
  readonly vw: number;
  readonly n: number;
}

// Five minutes before the open and after the close: bars of extended hours are sent as well.
const MARGIN_MS = 300_000;

function barAt(t: number, index: number, price: number): Bar {
  const cents = Math.round(price * 100) + Math.round(80 * Math.sin(index / 40));
  const o = cents / 100;
  const c = (cents + (index % 7) - 3) / 100;
  const [h, l] = [(cents + 9) / 100, (cents - 9) / 100];
  return { t, o, h, l, c, v: 1000.25 + index, vw: (cents * 100 + 7) / 10_000, n: 10 + (index % 5) };
}

/** Bars of the underlying, ascending. */
export function marketBars(market: HistoryMarket, ticker: string, spanMs: number): Bar[] {
  if (ticker !== market.underlying) return [];
  return market.sessions.flatMap((session) => {
    const from = epochMs(session, session.open) - MARGIN_MS;
    const count = (epochMs(session, session.close) + MARGIN_MS - from) / spanMs;
    return Array.from({ length: count }, (_, i) => barAt(from + i * spanMs, i, market.price));
  });
}

/** Every listed contract, by expiry; each session's own, and an adjusted one that is none of ours. */
export function marketContracts(market: HistoryMarket) {
  const standard = { exercise_style: 'american', shares_per_contract: 100, primary_exchange: 'BATO' };
  return market.sessions.flatMap(({ date }) => {
    const tail = date.slice(2).replaceAll('-', '');
    const own = Array.from({ length: 2 * market.reach + 1 }, (_, i) => market.price - market.reach + i);
    const contracts = own.flatMap((strike) =>
      (['call', 'put'] as const).map((contract_type) => ({
        ...standard,
        ticker: `O:${market.underlying}${tail}${contract_type === 'call' ? 'C' : 'P'}${String(strike * 1000).padStart(8, '0')}`,
        underlying_ticker: market.underlying,
        contract_type,
        expiration_date: date,
        strike_price: strike,
      })),
    );
    const [first] = contracts;
    return [
      ...contracts,
      { ...first, ticker: `O:${market.underlying}1${tail}C00100000`, shares_per_contract: 50 },
    ] as typeof contracts;
  });
}

export interface Quote {
  readonly sip_timestamp: bigint;
  readonly sequence_number: number;
  readonly bid_price?: number;
  readonly bid_size?: number;
  readonly ask_price: number;
  readonly ask_size: number;
  readonly bid_exchange: number;
}

export interface Trade {
  readonly sip_timestamp: bigint;
  readonly sequence_number?: number;
  readonly price: number;
  readonly size: number;
  readonly exchange: number;
  readonly conditions?: readonly number[];
  readonly correction?: number;
}

// The vendor is asked for the same ticks page by page.
const made = new WeakMap<HistoryMarket, Map<string, readonly unknown[]>>();

function once<Item>(market: HistoryMarket, key: string, make: () => Item[]): readonly Item[] {
  const known = made.get(market) ?? new Map<string, readonly unknown[]>();
  made.set(market, known);
  const items = known.get(key) ?? make();
  known.set(key, items);
  return items as readonly Item[];
}

function sessionOf(market: HistoryMarket, ticker: string): MarketSession | undefined {
  const expiration = parseOsi(ticker)?.expiration;
  return market.sessions.find(({ date }) => date === expiration);
}

/** Nanoseconds that no double holds: odd, and several ticks to one microsecond now and then. */
function tickTime(session: MarketSession, i: number, count: number): bigint {
  const open = BigInt(epochMs(session, session.open)) * 1_000_000n;
  const length = BigInt(epochMs(session, session.close)) * 1_000_000n - open;
  const group = i - (i % 3);
  return open + (length * BigInt(group)) / BigInt(count) + BigInt(i % 3) + 1n;
}

/** Quotes of a contract, ascending; its first has no bid. */
export function marketQuotes(market: HistoryMarket, ticker: string): readonly Quote[] {
  const session = sessionOf(market, ticker);
  if (session === undefined) return [];
  return once(market, `quotes ${ticker}`, () => makeQuotes(market, session));
}

function makeQuotes(market: HistoryMarket, session: MarketSession): Quote[] {
  return Array.from({ length: market.quotes }, (_, i) => ({
    sip_timestamp: tickTime(session, i, market.quotes),
    sequence_number: 1000 + 2 * i,
    ...(i === 0 ? {} : { bid_price: (100 + (i % 50)) / 100, bid_size: 1 + (i % 9) }),
    ask_price: (103 + (i % 50)) / 100,
    ask_size: 2 + (i % 11),
    bid_exchange: 302,
  }));
}

/** Trades of a contract, ascending; half of the contracts have no sequence numbers, as the flat files have none. */
export function marketTrades(market: HistoryMarket, ticker: string): readonly Trade[] {
  const session = sessionOf(market, ticker);
  if (session === undefined) return [];
  return once(market, `trades ${ticker}`, () => makeTrades(market, session, ticker.at(-9) === 'C'));
}

function makeTrades(market: HistoryMarket, session: MarketSession, isNumbered: boolean): Trade[] {
  return Array.from({ length: market.trades }, (_, i) => ({
    sip_timestamp: tickTime(session, i, market.trades),
    ...(isNumbered ? { sequence_number: 5000 + i } : {}),
    price: (101 + (i % 40)) / 100,
    size: 1 + (i % 4),
    exchange: 312,
    conditions: [209, 219 + (i % 2)],
  }));
}

/** Eastern wall-clock text with six decimals, and the nanoseconds below them. */
export function easternOf(session: MarketSession, epochNs: bigint): { ts: string; ns: number } {
  const us = epochNs / 1000n - BigInt(session.utcOffset) * 3_600_000_000n;
  const text = new Date(Number(us / 1000n)).toISOString().replace('T', ' ').slice(0, 23);
  return { ts: `${text}${String(us % 1000n).padStart(3, '0')}`, ns: Number(epochNs % 1000n) };
}

/** Rows that the database must hold of a contract's quotes, as `ts|ns|seq|bid|ask|bid_sz|ask_sz`. */
export function expectedQuotes(market: HistoryMarket, ticker: string): string[] {
  const session = sessionOf(market, ticker) as MarketSession;
  return marketQuotes(market, ticker).map((quote) => {
    const { ts, ns } = easternOf(session, quote.sip_timestamp);
    const bid = quote.bid_price === undefined ? '' : String(Math.round(quote.bid_price * 1e4));
    const ask = Math.round(quote.ask_price * 1e4);
    return [ts, ns, quote.sequence_number, bid, ask, quote.bid_size ?? '', quote.ask_size].join('|');
  });
}

/** Rows that the database must hold of a contract's trades, as `ts|ns|seq|price|size|conditions`. */
export function expectedTrades(market: HistoryMarket, ticker: string): string[] {
  const session = sessionOf(market, ticker) as MarketSession;
  let last = '';
  let ordinal = 0;
  return marketTrades(market, ticker).map((trade) => {
    const { ts, ns } = easternOf(session, trade.sip_timestamp);
    ordinal = ts === last ? ordinal + 1 : 0;
    last = ts;
    const seq = trade.sequence_number ?? ordinal;
    return [ts, ns, seq, Math.round(trade.price * 1e4), trade.size, trade.conditions?.join(',')].join('|');
  });
}

/** The database's symbol of a ticker. */
export function osiOf(ticker: string): string {
  return toOsi(ticker) ?? '';
}
