// Roots of option series whose underlying has another name.
const UNDERLYINGS: Readonly<Record<string, string>> = {
  SPXW: 'SPX',
  NDXP: 'NDX',
  RUTW: 'RUT',
  VIXW: 'VIX',
  MRUTW: 'MRUT',
};

/** Symbols that are indexes: they have no trades of their own and, in LEAN's files, another clock. */
const INDEXES: ReadonlySet<string> = new Set([
  ...['SPX', 'XSP', 'NDX', 'XND', 'RUT', 'MRUT', 'DJX', 'OEX', 'XEO', 'NQX'],
  ...['VIX', 'VIX1D', 'VIX9D', 'VIX3M', 'VIX6M', 'VIX1Y', 'VVIX', 'VXN', 'RVX', 'VXD', 'GVZ', 'OVX', 'SKEW'],
]);

/** The underlying's symbol for an option root: SPX for SPXW, and the root itself for nearly all others. */
export function underlyingOfRoot(root: string): string {
  return UNDERLYINGS[root] ?? root;
}

/** True for the symbols of the indexes that options are traded on, and of Cboe's volatility indexes. */
export function isIndexSymbol(symbol: string): boolean {
  return INDEXES.has(symbol);
}
