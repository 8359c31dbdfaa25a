// How Schwab describes what is traded: option and share instruments in orders, positions and transactions.
import { parseOsi } from '../../core/osi_symbol.ts';
import { isOptionSymbol, underlyingOf } from '../venue/symbols.ts';

export type Json = Readonly<Record<string, unknown>>;

const ETFS: Readonly<Record<string, { readonly cusip: string; readonly description: string }>> = {
  QQQ: { cusip: '46090E103', description: 'INVSC QQQ TRUST SRS 1 ETF' },
  SPY: { cusip: '78462F103', description: 'SPDR S&P 500 ETF' },
  IWM: { cusip: '464287655', description: 'ISHARES RUSSELL 2000 ETF' },
};
const FIRST_INSTRUMENT_ID = 226_000_000;

// 0, root in five with dots, month A-L (calls) or M-X (puts), day 1-9 or A-V, last digit of the year, strike x 1000 in seven:
// read off the recorded orders.
function optionCusip(root: string, expiration: string, isCall: boolean, strikeText: string): string {
  const month = Number(expiration.slice(5, 7)) - 1 + (isCall ? 0 : 12);
  const day = Number(expiration.slice(8, 10));
  const dayCode = day < 10 ? String(day) : String.fromCharCode(55 + day);
  const monthCode = String.fromCharCode(65 + month);
  return `0${root.padEnd(5, '.')}${monthCode}${dayCode}${expiration.slice(3, 4)}${strikeText.slice(1)}`;
}

function usDate(date: string): string {
  return `${date.slice(5, 7)}/${date.slice(8, 10)}/${date.slice(0, 4)}`;
}

function optionInstrument(symbol: string): Json {
  const contract = parseOsi(symbol);
  if (contract === null) throw new Error(`not an option symbol: ${symbol}`);
  const { root, expiration, option_kind, strike_e4 } = contract;
  const isCall = option_kind === 'call';
  return {
    assetType: 'OPTION',
    cusip: optionCusip(root, expiration, isCall, symbol.slice(13)),
    symbol,
    description: `${root} ${usDate(expiration)} $${strike_e4 / 1e4} ${isCall ? 'Call' : 'Put'}`,
    type: 'VANILLA',
    putCall: isCall ? 'CALL' : 'PUT',
    underlyingSymbol: root,
  };
}

export interface Instruments {
  /** As in positions. ETFs come back as COLLECTIVE_INVESTMENT, whatever they were ordered as. */
  ofPosition(symbol: string): Json;
  /** As in orders, with id and deliverables. */
  ofOrder(symbol: string): Json;
  /** As in transactions. */
  ofTransaction(symbol: string): Json;
  idOf(symbol: string): number;
}

export function createInstruments(): Instruments {
  const ids = new Map<string, number>();
  const idOf = (symbol: string): number => {
    const id = ids.get(symbol) ?? FIRST_INSTRUMENT_ID + ids.size + 1;
    ids.set(symbol, id);
    return id;
  };
  const shares = (symbol: string): Json => {
    const etf = ETFS[symbol];
    return etf === undefined
      ? { assetType: 'EQUITY', cusip: '000000000', symbol }
      : { assetType: 'COLLECTIVE_INVESTMENT', ...etf, symbol, type: 'EXCHANGE_TRADED_FUND' };
  };
  const plain = (symbol: string): Json =>
    isOptionSymbol(symbol) ? optionInstrument(symbol) : shares(symbol);
  const deliverables = (symbol: string): Json => ({
    symbol: underlyingOf(parseOsi(symbol)?.root ?? symbol),
    deliverableUnits: 100,
  });
  return {
    idOf,
    ofPosition: (symbol) => ({ ...plain(symbol), netChange: 0 }),
    ofOrder: (symbol) => ({
      ...plain(symbol),
      instrumentId: idOf(symbol),
      ...(isOptionSymbol(symbol) ? { optionDeliverables: [deliverables(symbol)] } : {}),
    }),
    ofTransaction: (symbol) => {
      const contract = parseOsi(symbol);
      const strike = contract === null ? {} : { strikePrice: contract.strike_e4 / 1e4 };
      return { ...plain(symbol), status: 'ACTIVE', instrumentId: idOf(symbol), ...strike };
    },
  };
}
