// Symbols of what simulated brokers trade: OSI symbols of 21 characters, tickers, and indexes with a dollar sign before them.

const INDEX_OF_ROOT: Readonly<Record<string, string>> = { SPX: '$SPX', SPXW: '$SPX', XSP: '$XSP' };

export function isOptionSymbol(symbol: string): boolean {
  return symbol.length === 21;
}

/** Ticker of what an option root delivers or settles on: QQQ, $SPX. */
export function underlyingOf(root: string): string {
  return INDEX_OF_ROOT[root] ?? root;
}

export function isCashSettled(root: string): boolean {
  return INDEX_OF_ROOT[root] !== undefined;
}
