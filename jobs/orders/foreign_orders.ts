// Orders in our contracts that none of our intents explains: somebody trades by hand, or on another machine.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { OrderReport } from '../brokers/broker.ts';
import { type Carried, mayBe, type SoughtOrder } from './fingerprint.ts';
import { isTraded, type TradedScope } from './held_positions.ts';

export interface ForeignWatch {
  /** Orders that were foreign in this pass and in one before, and were not told yet. */
  observe(reports: readonly OrderReport[], of: ForeignContext): readonly OrderReport[];
  /** True if some were seen once: a further pass tells. */
  hasSuspects(): boolean;
}

export interface ForeignContext {
  readonly known: ReadonlySet<string>;
  /** Orders of ours without an id at the broker yet. */
  readonly sought: readonly SoughtOrder[];
  readonly scope: TradedScope;
  readonly carried?: Carried | undefined;
  readonly now: EasternUs;
}

const MAX_TOLD = 10_000;
// Between two looks an order of ours gets its id.
const AGAIN_MS = 2000;

/** A watch that has seen nothing. */
export function createForeignWatch(): ForeignWatch {
  const suspects = new Map<string, EasternUs>();
  const told = new Set<string>();
  return {
    observe: (reports, { known, sought, scope, now, carried }) => {
      const foreign = reports.filter(
        (report) =>
          !known.has(report.venueOrderId) &&
          !told.has(report.venueOrderId) &&
          report.order.legs.some((leg) => isTraded(leg.symbol, scope)) &&
          !sought.some((order) => mayBe(order, report, carried)),
      );
      const ids = new Set(foreign.map((report) => report.venueOrderId));
      for (const id of suspects.keys()) if (!ids.has(id)) suspects.delete(id);
      const sure = foreign.filter(({ venueOrderId: id }) => {
        const since = suspects.get(id) ?? now;
        suspects.set(id, since);
        return now - since >= AGAIN_MS * 1000;
      });
      for (const { venueOrderId: id } of sure) {
        suspects.delete(id);
        if (told.size < MAX_TOLD) told.add(id);
      }
      return sure;
    },
    hasSuspects: () => suspects.size > 0,
  };
}
