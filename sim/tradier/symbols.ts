// Tradier's spelling of symbols (reference A5): unpadded options, indexes without a dollar sign.
import { formatOsi, parseOsi } from '../../core/osi_symbol.ts';
import { isOptionSymbol } from '../venue/symbols.ts';

const INDEXES = new Set(['SPX', 'XSP', 'NDX', 'RUT', 'VIX', 'VIX9D']);

/** The venue's symbol of one of Tradier's: an OSI symbol of 21 characters, `$SPX`, QQQ. */
export function fromTradier(symbol: string): string {
  if (symbol.length > 15) {
    const contract = parseOsi(symbol);
    if (contract !== null) return formatOsi(contract);
  }
  return INDEXES.has(symbol) ? `$${symbol}` : symbol;
}

export function toTradier(symbol: string): string {
  return isOptionSymbol(symbol) ? symbol.slice(0, 6).trimEnd() + symbol.slice(6) : symbol.replace(/^\$/, '');
}
