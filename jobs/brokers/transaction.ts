// What a broker has booked, for the daily reconciliation.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { Effect } from './broker.ts';

/** TRADE: executions. RECEIVE_AND_DELIVER: assignments, exercises and expirations, on the next morning. */
export type TransactionType = 'TRADE' | 'RECEIVE_AND_DELIVER';

/** Contracts or shares that changed hands. */
export interface TransactionItem {
  /** OSI symbol or ticker. */
  readonly symbol: string;
  /** Negative when they left the account. */
  readonly qty: number;
  /** Per share; null where nothing was paid. */
  readonly px_e4: number | null;
  /** Money in (positive) or out, 1/10,000 dollar. */
  readonly amount_e4: number;
  readonly effect: Effect | null;
}

export interface TransactionFee {
  /** As the broker calls it: COMMISSION, OPT_REG_FEE, TAF_FEE, SEC_FEE, ...; UNKNOWN where it gives no name. */
  readonly type: string;
  /** What we paid, 1/10,000 dollar; negative is a refund. */
  readonly amount_e4: number;
}

export interface Transaction {
  /** Unique in the account. */
  readonly transactionId: string;
  readonly type: TransactionType;
  readonly ts: EasternUs;
  /** The order that it comes from; null for deliveries. */
  readonly venueOrderId: string | null;
  /** All of it, fees included, 1/10,000 dollar: the sum of the items less the fees. */
  readonly net_amount_e4: number;
  readonly items: readonly TransactionItem[];
  readonly fees: readonly TransactionFee[];
}

export interface TransactionRange {
  readonly from: EasternUs;
  /** Exclusive. */
  readonly to: EasternUs;
  readonly types?: readonly TransactionType[];
}
