// What a simulated broker is told about itself: the part that the desk, the checks and the matching of all of them read.
import type { TradingHours } from './hours.ts';

/** Milliseconds of the simulator's clock; 0 is at once, before the request that asked is answered. */
export interface Delays {
  /** PENDING_ACTIVATION to QUEUED. */
  readonly activateMs: number;
  /** QUEUED to WORKING. */
  readonly workMs: number;
  /** From a quote that an order can trade with to its execution. */
  readonly fillMs: number;
  /** PENDING_CANCEL to CANCELED, and PENDING_REPLACE to REPLACED. */
  readonly cancelMs: number;
  /** From the answer that takes the order to the report of a reject. */
  readonly rejectMs: number;
}

/** How far what is told lags behind what is true, in milliseconds. */
export interface Lags {
  /** Lists of orders. */
  readonly listMs: number;
  /** Positions, balances and transactions. */
  readonly positionsMs: number;
}

/** Per contract, in 1/10,000 dollar. */
export interface Fees {
  readonly commission_e4: number;
  readonly optRegFee_e4: number;
  /** Sales only. */
  readonly secFee_e4: number;
  readonly tafFee_e4: number;
}

export interface AccountOptions {
  readonly accountNumber: string;
  readonly cash_e4: number;
  readonly type?: 'MARGIN' | 'CASH';
}

/** Why an order that was taken is rejected; each broker has words of its own for it. */
export type RejectCause =
  | 'tick'
  | 'spread_tick'
  | 'oversold'
  | 'funds'
  | 'wrong_side'
  | 'session'
  | 'expired'
  | 'spread_stop'
  | 'closing_only'
  | 'outside_hours';

export interface VenueSettings {
  readonly delays: Delays;
  readonly fees: Fees;
  /** `always`: no opening, no close, no expiry of the day. */
  readonly hours: TradingHours | 'always';
  /** An option order outside the hours waits for the opening, or is rejected. */
  readonly outsideHours: 'queue' | 'reject';
  /** An execution is at most the size displayed. */
  readonly respectSizes: boolean;
  /** A stop that would trigger at once is rejected, except as the child of a filled order. */
  readonly rejectsWrongSideStops: boolean;
  /** `cancel`: any execution of one of two cancels the other. `keep`: only a complete one. */
  readonly ocoOnPartial: 'cancel' | 'keep';
  /** Children of a TRIGGER order become active on its first execution instead of the last. */
  readonly triggersOnPartial: boolean;
  readonly words: Readonly<Record<RejectCause, string>>;
}
