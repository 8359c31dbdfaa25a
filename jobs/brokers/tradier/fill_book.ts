// Fills out of totals: Tradier tells how much of a leg has filled and at what average, never the single executions.
import type { EasternUs } from '../../../core/eastern_time.ts';
import type { BrokerFill } from '../broker.ts';

/** What a report tells of one leg. */
export interface LegTotals {
  /** From 1. */
  readonly legNo: number;
  /** Contracts filled. */
  readonly qty: number;
  /** Dollars per share; not rounded. */
  readonly avgPx: number;
  /** Of the last execution, where it is told. */
  readonly last: { readonly qty: number; readonly px: number } | null;
}

export interface FillBook {
  /**
   * The fills of an order so far: those known before, and what the totals have grown by. A growth of several executions is one
   * fill at their average, except the last of them. Ids name the contracts that were filled before: they stay the same.
   */
  fills(venueOrderId: string, totals: readonly LegTotals[], ts: EasternUs): Promise<readonly BrokerFill[]>;
}

type KnownFills = (venueOrderId: string) => Promise<readonly BrokerFill[]>;

const MAX_ORDERS = 10_000;

/** `knownFills` are those that were recorded by whichever process; asked for when an order has filled further. */
export function createFillBook(knownFills: KnownFills = async () => []): FillBook {
  const books = new Map<string, readonly BrokerFill[]>();
  return {
    fills: async (venueOrderId, totals, ts) => {
      let known = books.get(venueOrderId) ?? [];
      const isGrown = (): boolean => totals.some((leg) => leg.qty > filledOf(known, leg.legNo));
      if (isGrown()) known = further(known, await knownFills(venueOrderId), totals);
      if (isGrown()) known = totals.reduce((fills, leg) => grow(fills, leg, { venueOrderId, ts }), known);
      if (books.size >= MAX_ORDERS) books.clear();
      books.set(venueOrderId, known);
      // An older report than the last one knows of less.
      return known.filter((fill) => {
        const told = totals.find((leg) => leg.legNo === fill.legNo)?.qty ?? 0;
        return filledOf(upTo(known, fill), fill.legNo) <= told;
      });
    },
  };
}

function filledOf(fills: readonly BrokerFill[], legNo: number): number {
  return fills.reduce((sum, fill) => (fill.legNo === legNo ? sum + fill.qty : sum), 0);
}

function upTo(fills: readonly BrokerFill[], last: BrokerFill): readonly BrokerFill[] {
  return fills.slice(0, fills.indexOf(last) + 1);
}

// Leg by leg whichever knows of more.
function further(
  held: readonly BrokerFill[],
  recorded: readonly BrokerFill[],
  totals: readonly LegTotals[],
): readonly BrokerFill[] {
  return totals.flatMap(({ legNo }) => {
    const from = filledOf(recorded, legNo) > filledOf(held, legNo) ? recorded : held;
    return from.filter((fill) => fill.legNo === legNo);
  });
}

function grow(
  fills: readonly BrokerFill[],
  leg: LegTotals,
  of: { readonly venueOrderId: string; readonly ts: EasternUs },
): readonly BrokerFill[] {
  const before = filledOf(fills, leg.legNo);
  const more = leg.qty - before;
  if (more <= 0) return fills;
  const worth = fills.reduce(
    (sum, fill) => (fill.legNo === leg.legNo ? sum + fill.qty * fill.px_e4 : sum),
    0,
  );
  // Against what was booked, not against exact averages: rounding of one part is made good by the next.
  const missing = leg.avgPx * 1e4 * leg.qty - worth;
  const fill = (from: number, qty: number, px_e4: number): BrokerFill => ({
    executionId: `${of.venueOrderId}-${leg.legNo}-${from}`,
    ts: of.ts,
    legNo: leg.legNo,
    qty,
    px_e4: Math.max(0, Math.round(px_e4)),
  });
  const { last } = leg;
  if (last === null || last.qty <= 0 || last.qty >= more)
    return [...fills, fill(before, more, missing / more)];
  const rest = more - last.qty;
  const lastPx_e4 = Math.round(last.px * 1e4);
  return [
    ...fills,
    fill(before, rest, (missing - last.qty * lastPx_e4) / rest),
    fill(before + rest, last.qty, lastPx_e4),
  ];
}
