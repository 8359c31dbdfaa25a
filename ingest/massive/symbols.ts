// Massive's symbols: checked once, then remembered, since a session repeats a few hundred of them millions of times.
import { type OsiSymbol, toOsi } from '../../core/osi_symbol.ts';

// Bounds the memory that a stream of made-up symbols can take.
const MAX_REMEMBERED = 20_000;
const EQUITY = /^[A-Za-z][A-Za-z0-9.:/-]{0,19}$/;

const options = new Map<string, OsiSymbol | null>();
const equities = new Map<string, boolean>();

function remember<T>(cache: Map<string, T>, key: string, value: T): T {
  if (cache.size >= MAX_REMEMBERED) cache.clear();
  cache.set(key, value);
  return value;
}

/** True for `O:…`: the events of an option. */
export function isOptionTicker(ticker: string): boolean {
  return ticker.startsWith('O:');
}

/** The OSI symbol of `O:QQQ251219C00410000`, or null. */
export function optionSymbol(ticker: string): OsiSymbol | null {
  const known = options.get(ticker);
  return known === undefined ? remember(options, ticker, toOsi(ticker)) : known;
}

/** The ticker itself if it can be an equity's or an index's, else null. */
export function equitySymbol(ticker: string): string | null {
  const known = equities.get(ticker) ?? remember(equities, ticker, EQUITY.test(ticker));
  return known ? ticker : null;
}
