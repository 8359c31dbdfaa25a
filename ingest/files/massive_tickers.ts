// The ticker column of Massive's flat files: rows come grouped by ticker, so most rows cost one comparison of bytes.
import { formatOsi, parseOsi } from '../../core/osi_symbol.ts';
import { fieldText, type Row } from './lines.ts';
import { type LastRow, newLastRow } from './order_watch.ts';
import { underlyingOfRoot } from './roots.ts';

export interface Ticker {
  /** The database's symbol: OSI for an option. */
  readonly symbol: string;
  readonly wanted: boolean;
  /** Why the text is no ticker of this file. */
  readonly fault: string | null;
  readonly last: LastRow;
}

export interface Tickers {
  /** The ticker in field `column` of the row. */
  at(row: Row, column: number): Ticker;
  /** True once a wanted ticker was seen. */
  found(): boolean;
}

const STOCK = /^[A-Za-z][A-Za-z0-9.+-]{0,14}$/;

/** Reads tickers of options or stocks; only those of `symbol` (an underlying, for options) are wanted if it is given. */
export function readTickers(options: { areOptions: boolean; symbol: string | null }): Tickers {
  const known = new Map<string, Ticker>();
  let bytes = Buffer.alloc(0);
  let current: Ticker | null = null;
  let found = false;
  return {
    at: (row, column) => {
      if (current !== null && sameBytes(bytes, row, column)) return current;
      // A text that stays would keep its whole block in memory, for every ticker of the file.
      if (current !== null) current.last.buffer = null;
      const text = fieldText(row, column);
      bytes = Buffer.from(text);
      current = known.get(text) ?? newTicker(text, options);
      if (current.wanted) known.set(text, current);
      found ||= current.wanted;
      return current;
    },
    found: () => found,
  };
}

function sameBytes(bytes: Buffer, row: Row, column: number): boolean {
  const { buffer } = row;
  const start = row.starts[column] as number;
  if ((row.ends[column] as number) - start !== bytes.length) return false;
  // Backwards: options of one chain differ at their end.
  for (let i = bytes.length - 1; i >= 0; i--) if (buffer[start + i] !== bytes[i]) return false;
  return true;
}

function newTicker(text: string, options: { areOptions: boolean; symbol: string | null }): Ticker {
  const last = newLastRow();
  const faulty = (fault: string): Ticker => ({ symbol: text, wanted: false, fault, last });
  if (!options.areOptions) {
    if (!STOCK.test(text)) return faulty(`not a stock's ticker: ${JSON.stringify(text.slice(0, 40))}`);
    return { symbol: text, wanted: options.symbol === null || text === options.symbol, fault: null, last };
  }
  const contract = text.startsWith('O:') ? parseOsi(text) : null;
  if (contract === null) return faulty(`not an option's ticker: ${JSON.stringify(text.slice(0, 40))}`);
  const names = [contract.root, underlyingOfRoot(contract.root)];
  const wanted = options.symbol === null || names.includes(options.symbol);
  return { symbol: formatOsi(contract), wanted, fault: null, last };
}
