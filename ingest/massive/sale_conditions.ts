// Which prints of a stock are no tick, by their sale conditions: their price is not the market's, or their volume was counted.

export interface SaleCondition {
  /** The vendor's code, as in `c` of a `T` event and `conditions` of REST. */
  readonly code: number;
  readonly name: string;
  readonly why: 'volume was reported before' | 'price is old' | 'price was agreed otherwise';
}

/**
 * Prints with one of these are set aside, price and volume. They are the conditions that the consolidated tape's rules (CTA and
 * UTP; the vendor's /v3/reference/conditions, `update_rules.consolidated`) keep from the last price, with 15, 16 and 38, which
 * they keep from the volume, and 22, which the vendor's own bars leave out. Two of the tape's are not here: 12, since every
 * print outside the regular hours has it, and 37: odd lots are half of all prints, at the market's price and in its volume.
 */
export const SET_ASIDE: readonly SaleCondition[] = [
  { code: 2, name: 'Average Price Trade', why: 'price was agreed otherwise' },
  { code: 5, name: 'Bunched Sold Trade', why: 'price is old' },
  { code: 7, name: 'Cash Sale', why: 'price was agreed otherwise' },
  { code: 10, name: 'Derivatively Priced', why: 'price was agreed otherwise' },
  { code: 13, name: 'Extended Hours (Sold Out of Sequence)', why: 'price is old' },
  { code: 15, name: 'Market Center Official Close', why: 'volume was reported before' },
  { code: 16, name: 'Market Center Official Open', why: 'volume was reported before' },
  { code: 20, name: 'Next Day', why: 'price was agreed otherwise' },
  { code: 21, name: 'Price Variation Trade', why: 'price was agreed otherwise' },
  { code: 22, name: 'Prior Reference Price', why: 'price is old' },
  { code: 29, name: 'Seller', why: 'price was agreed otherwise' },
  { code: 33, name: 'Sold (Out of Sequence)', why: 'price is old' },
  { code: 35, name: 'Stock Option', why: 'price was agreed otherwise' },
  { code: 38, name: 'Corrected Consolidated Close', why: 'volume was reported before' },
  { code: 52, name: 'Contingent Trade', why: 'price was agreed otherwise' },
  { code: 53, name: 'Qualified Contingent Trade', why: 'price was agreed otherwise' },
];

/** The conditions that set a print aside, by their code. */
export type SaleRules = ReadonlyMap<unknown, SaleCondition>;

/** All of SET_ASIDE but those that an operator wants to count. */
export function saleRules(counted: readonly number[] = []): SaleRules {
  return new Map(SET_ASIDE.filter(({ code }) => !counted.includes(code)).map((each) => [each.code, each]));
}

export const DEFAULT_SALE_RULES: SaleRules = saleRules();

/** Why a print with these conditions (`c`) is no tick; null if it is one. Conditions that are no list say nothing. */
export function setAsideReason(conditions: unknown, rules: SaleRules): string | null {
  if (!Array.isArray(conditions)) return null;
  for (const code of conditions) {
    const found = rules.get(code);
    if (found !== undefined) return `set aside: ${found.why} (condition ${found.code}, ${found.name})`;
  }
  return null;
}
