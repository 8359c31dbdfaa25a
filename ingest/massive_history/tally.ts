// What a download has done so far, for its progress line and its table.
import type { HistoryKind } from './history_feeds.ts';
import type { StoredCounts } from './store.ts';

export interface KindCounts extends StoredCounts {
  readonly pages: number;
}

export interface Tally {
  add(kind: HistoryKind, pages: number, counts: StoredCounts): void;
  /** By kind, in the order in which they began. */
  kinds(): ReadonlyMap<HistoryKind, KindCounts>;
  /** Rows of every kind, duplicates and rejected ones included. */
  rows(): number;
}

/** Nothing done yet. */
export function createTally(): Tally {
  const kinds = new Map<HistoryKind, KindCounts>();
  let rows = 0;
  return {
    add(kind, pages, { inserted, duplicate, rejected }) {
      const before = kinds.get(kind) ?? { pages: 0, inserted: 0, duplicate: 0, rejected: 0 };
      kinds.set(kind, {
        pages: before.pages + pages,
        inserted: before.inserted + inserted,
        duplicate: before.duplicate + duplicate,
        rejected: before.rejected + rejected,
      });
      rows += inserted + duplicate + rejected;
    },
    kinds: () => kinds,
    rows: () => rows,
  };
}
