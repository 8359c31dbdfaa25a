// Which of the listed option contracts to stream: the strikes around the money, re-centred with hysteresis.
import { byStrike, type ListedContract } from './contracts.ts';

export interface Choice {
  /** Strike around which the contracts lie: pass it back as `centre_e4` next time. */
  readonly centre_e4: number;
  /** Calls and puts of the chosen strikes, by strike, the call before the put. */
  readonly contracts: readonly ListedContract[];
}

/**
 * The contracts of the `count` listed strikes nearest to the money. With the previous choice's `centre_e4`, the centre moves
 * only when another strike is nearer to the price by more than `hysteresis_e4` (default 1 dollar), so that a price between two
 * strikes does not subscribe and unsubscribe all day. Null if there are no contracts.
 */
export function chooseContracts(
  contracts: readonly ListedContract[],
  price_e4: number,
  options: { readonly count: number; readonly centre_e4?: number; readonly hysteresis_e4?: number },
): Choice | null {
  const strikes = [...new Set(contracts.map((contract) => contract.strike_e4))].sort((a, b) => a - b);
  const nearest = nearestTo(strikes, price_e4)[0];
  if (nearest === undefined) return null;
  const { count, centre_e4, hysteresis_e4 = 10_000 } = options;
  const keeps =
    centre_e4 !== undefined &&
    strikes.includes(centre_e4) &&
    Math.abs(centre_e4 - price_e4) - Math.abs(nearest - price_e4) <= hysteresis_e4;
  const centre = keeps ? centre_e4 : nearest;
  const chosen = new Set(nearestTo(strikes, centre).slice(0, count));
  return {
    centre_e4: centre,
    contracts: contracts.filter((contract) => chosen.has(contract.strike_e4)).sort(byStrike),
  };
}

// Ties go to the lower strike, so that the choice does not depend on the order of the list.
function nearestTo(strikes: readonly number[], price_e4: number): readonly number[] {
  return [...strikes].sort((a, b) => Math.abs(a - price_e4) - Math.abs(b - price_e4) || a - b);
}
