// Symbols to integer ids, through a cache: the database is asked once for each symbol in a process's life.
import type pg from 'pg';

export type InstrumentKind = 'equity' | 'index' | 'option';

export interface InstrumentCache {
  /** Makes the ids of all `symbols` known. */
  resolve(client: pg.ClientBase, symbols: Iterable<string>, kind: InstrumentKind): Promise<void>;
  /** The id of a symbol; null where it is not resolved. */
  find(symbol: string): number | null;
  /** The id of a resolved symbol; throws on one that is not. */
  id(symbol: string): number;
}

/** An empty cache. */
export function instrumentCache(): InstrumentCache {
  const ids = new Map<string, number>();
  return {
    async resolve(client, symbols, kind) {
      const unknown = [...new Set(symbols)].filter((symbol) => !ids.has(symbol));
      if (unknown.length === 0) return;
      const { rows } = await client.query<{ symbol: string; instrument_id: number }>(
        'select symbol, instrument_id from ref.instrument_ids($1, $2)',
        [unknown, kind],
      );
      for (const row of rows) ids.set(row.symbol, row.instrument_id);
    },
    find: (symbol) => ids.get(symbol) ?? null,
    id(symbol) {
      const id = ids.get(symbol);
      if (id === undefined) throw new Error(`symbol was not resolved: ${symbol}`);
      return id;
    },
  };
}
