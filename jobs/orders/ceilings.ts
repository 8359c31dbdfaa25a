// The last limits on orders, compiled in: configuration may lower them, nothing may raise them.
import { formatScaled } from '../../core/decimal.ts';
import { Failure } from '../../core/failure.ts';
import type { Purpose } from './records.ts';

export interface Ceilings {
  /** Contracts of one order; the only one that exits are held to. */
  readonly contractsPerOrder: number;
  /** Quantity x limit x multiplier of an entry, in dollars. */
  readonly premiumPerOrder: number;
  /** Orders of any purpose that were sent for the account within 60 s. */
  readonly ordersPerMinute: number;
  /** The same since midnight. */
  readonly ordersPerDay: number;
  /** How far an entry's limit may be from the middle of the quote, in percent of that. */
  readonly pricePercent: number;
}

export const MAX_CEILINGS: Ceilings = {
  contractsPerOrder: 500,
  premiumPerOrder: 500_000,
  ordersPerMinute: 60,
  ordersPerDay: 1000,
  pricePercent: 50,
};

// An option of a few cents is quoted 0.05 at 0.15: half of the middle would bar what is an ordinary price there.
const PRICE_FLOOR_E4 = 1000;

/** What an order is measured by. */
export interface Measured {
  readonly purpose: Purpose;
  readonly qty: number;
  readonly limit_px_e4: number | null;
}

/** What was sent before it, and what its price is measured against. */
export interface Surroundings {
  readonly ordersMinute: number;
  readonly ordersDay: number;
  /** Middle of the contract's last quote, of several legs of them all, 1/10,000 dollar; null where there is none that counts. */
  readonly reference_e4: number | null;
  readonly multiplier: number;
}

/** The ceilings of a process. Throws a Failure on one that is not above 0, or is above the compiled one. */
export function ceilingsOf(lowered: Partial<Ceilings> = {}): Ceilings {
  const ceilings: Ceilings = { ...MAX_CEILINGS, ...lowered };
  for (const name of Object.keys(MAX_CEILINGS) as (keyof Ceilings)[]) {
    const value = ceilings[name];
    if (value > 0 && value <= MAX_CEILINGS[name]) continue;
    throw new Failure(
      `the ceiling ${name} cannot be ${value}: it must be above 0 and at most ${MAX_CEILINGS[name]}`,
      {
        hint: 'Ceilings can be lowered only.',
        exitCode: 2,
      },
    );
  }
  return ceilings;
}

/** Why an order may not be sent, whatever it is for; null if its quantity is in order. */
export function quantityProblem({ qty }: Measured, { contractsPerOrder }: Ceilings): string | null {
  if (Number.isSafeInteger(qty) && qty > 0 && qty <= contractsPerOrder) return null;
  return `ceiling: ${qty} contracts, at most ${contractsPerOrder} in one order`;
}

/** Why an entry may not be sent; null if it may. */
export function entryProblem(order: Measured, ceilings: Ceilings, around: Surroundings): string | null {
  const { ordersMinute, ordersDay } = around;
  if (ordersMinute >= ceilings.ordersPerMinute)
    return `ceiling: ${ordersMinute} orders within a minute, at most ${ceilings.ordersPerMinute}`;
  if (ordersDay >= ceilings.ordersPerDay)
    return `ceiling: ${ordersDay} orders today, at most ${ceilings.ordersPerDay}`;
  return quantityProblem(order, ceilings) ?? priceProblem(order, ceilings, around);
}

function priceProblem(order: Measured, ceilings: Ceilings, around: Surroundings): string | null {
  const { limit_px_e4, qty } = order;
  const { reference_e4, multiplier } = around;
  // Its price would be whatever the market makes of it.
  if (limit_px_e4 === null || limit_px_e4 <= 0) return 'ceiling: an entry needs a limit';
  const premium = (qty * limit_px_e4 * multiplier) / 10_000;
  if (premium > ceilings.premiumPerOrder)
    return `ceiling: a premium of ${premium} dollars, at most ${ceilings.premiumPerOrder} in one order`;
  if (reference_e4 === null) return 'ceiling: no quote to measure the price against';
  const allowed_e4 = Math.max((reference_e4 * ceilings.pricePercent) / 100, PRICE_FLOOR_E4);
  if (Math.abs(limit_px_e4 - reference_e4) <= allowed_e4) return null;
  const [limit, reference] = [limit_px_e4, reference_e4].map((px) => formatScaled(Math.round(px), 4, 2));
  return `ceiling: a limit of ${limit} against ${reference} in the market, at most ${ceilings.pricePercent} % apart`;
}
