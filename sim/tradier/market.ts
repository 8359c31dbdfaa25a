// What the simulated Tradier quotes: rows of options and indexes, from the board that a test sets or from a simulated day.
import { type EasternUs, epochMsFromEastern, type SessionDate } from '../../core/eastern_time.ts';
import { parseOsi } from '../../core/osi_symbol.ts';
import type { QuoteBoard } from '../venue/quote_board.ts';
import { isOptionSymbol, underlyingOf } from '../venue/symbols.ts';
import { toTradier } from './symbols.ts';
import type { Json } from './wire.ts';

export interface Greeks {
  readonly delta: number;
  readonly gamma: number;
  readonly theta: number;
  readonly vega: number;
  readonly rho: number;
  readonly phi: number;
  /** Volatilities as fractions; 0 where it cannot be told. */
  readonly bid_iv: number;
  readonly mid_iv: number;
  readonly ask_iv: number;
  readonly smv_vol: number;
  /** Eastern; shown as UTC. */
  readonly updatedAt: EasternUs;
}

/** A quote as a market gives it; prices in 1/10,000 dollar (points of an index), 0 for none. */
export interface MarketRow {
  /** The venue's symbol: OSI, `$SPX`, QQQ. */
  readonly symbol: string;
  readonly bid_e4: number;
  readonly ask_e4: number;
  readonly bidSz: number;
  readonly askSz: number;
  readonly at: EasternUs;
  readonly last_e4: number | null;
  readonly volume: number;
  readonly openInterest: number;
  readonly greeks: Greeks | null;
}

export interface TradierMarket {
  expirations(underlying: string, at: EasternUs): readonly SessionDate[];
  /** Rows of both roots, ordered by strike. */
  chain(underlying: string, expiration: string, at: EasternUs): readonly MarketRow[];
  row(symbol: string, at: EasternUs): MarketRow | null;
}

/** The board as a market: whatever has a quote is listed. */
export function boardMarket(board: QuoteBoard): TradierMarket {
  const row = (symbol: string): MarketRow | null => {
    const quote = board.get(symbol);
    if (quote === null) return null;
    const { bid_e4, ask_e4, bidSz, askSz, at } = quote;
    return {
      ...{ symbol, bid_e4, ask_e4, bidSz, askSz, at },
      last_e4: isOptionSymbol(symbol) ? null : board.markOf(symbol),
      ...{ volume: 0, openInterest: 0, greeks: null },
    };
  };
  const listed = (underlying: string) =>
    board.symbols().filter((symbol) => {
      const contract = isOptionSymbol(symbol) ? parseOsi(symbol) : null;
      return contract !== null && underlyingOf(contract.root) === underlying;
    });
  const expirationOf = (symbol: string): string => parseOsi(symbol)?.expiration ?? '';
  return {
    row,
    expirations: (underlying) => [...new Set(listed(underlying).map(expirationOf))].sort() as SessionDate[],
    chain: (underlying, expiration) =>
      listed(underlying)
        .filter((symbol) => expirationOf(symbol) === expiration)
        .sort((a, b) => Number(a.slice(13)) - Number(b.slice(13)))
        .flatMap((symbol) => row(symbol) ?? []),
  };
}

// A chain is of one instant, and its greeks of one hour; the way back from Eastern time is slow.
const epochs = new Map<EasternUs, number>();
const MAX_EPOCHS = 1000;

function epochMs(at: EasternUs): number {
  const known = epochs.get(at);
  if (known !== undefined) return known;
  if (epochs.size >= MAX_EPOCHS) epochs.clear();
  const ms = epochMsFromEastern(at);
  epochs.set(at, ms);
  return ms;
}

function dollars(value_e4: number): number {
  return value_e4 / 1e4;
}

function greeksView(greeks: Greeks | null): Json | null {
  if (greeks === null) return null;
  const { updatedAt, ...numbers } = greeks;
  const updated_at = new Date(epochMs(updatedAt)).toISOString().slice(0, 19).replace('T', ' ');
  return { ...numbers, updated_at };
}

function optionFields(row: MarketRow, withGreeks: boolean): Json {
  const contract = parseOsi(row.symbol);
  if (contract === null) return {};
  return {
    open_interest: row.openInterest,
    contract_size: 100,
    strike: dollars(contract.strike_e4),
    expiration_date: contract.expiration,
    expiration_type: 'weeklys',
    option_type: contract.option_kind,
    root_symbol: contract.root,
    underlying: toTradier(underlyingOf(contract.root)),
    ...(withGreeks ? { greeks: greeksView(row.greeks) } : {}),
  };
}

/** A row as /markets/quotes and /markets/options/chains send it (reference A4). */
export function rowView(row: MarketRow, withGreeks: boolean): Json {
  const isOption = isOptionSymbol(row.symbol);
  const isIndex = row.symbol.startsWith('$');
  const at = epochMs(row.at);
  return {
    symbol: toTradier(row.symbol),
    description: toTradier(row.symbol),
    exch: isOption ? 'Z' : 'Q',
    type: isOption ? 'option' : isIndex ? 'index' : 'etf',
    last: row.last_e4 === null ? null : dollars(row.last_e4),
    change: null,
    volume: row.volume,
    ...{ open: null, high: null, low: null, close: null },
    // Of an index bid and ask are 0 or old.
    bid: isIndex ? 0 : dollars(row.bid_e4),
    ask: isIndex ? 0 : dollars(row.ask_e4),
    change_percentage: null,
    average_volume: 0,
    last_volume: 0,
    trade_date: row.last_e4 === null ? 0 : at,
    prevclose: null,
    ...{ week_52_high: 0, week_52_low: 0 },
    bidsize: isIndex ? 0 : row.bidSz,
    bidexch: 'C',
    bid_date: isIndex ? 0 : at,
    asksize: isIndex ? 0 : row.askSz,
    askexch: 'C',
    ask_date: isIndex ? 0 : at,
    ...optionFields(row, withGreeks),
  };
}
