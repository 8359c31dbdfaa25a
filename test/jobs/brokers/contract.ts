// The contract suite for brokers: what the order path relies on, tried on an adapter with a venue whose truth can be looked at.
import { describe } from 'vitest';
import type { EasternUs } from '../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import type { Broker, BrokerOrder } from '../../../jobs/brokers/broker.ts';
import { accountCases } from './contract/account.ts';
import { cancelCases } from './contract/cancels.ts';
import { hintCases } from './contract/hints.ts';
import { readCases } from './contract/reads.ts';
import { rejectCases } from './contract/rejects.ts';
import { replaceCases } from './contract/replaces.ts';
import { submitCases } from './contract/submits.ts';
import { unknownCases } from './contract/unknowns.ts';

/** Requests of an adapter that can meet a fault. */
export type Ask = 'submit' | 'cancel' | 'replace' | 'order' | 'orders' | 'positions';

/**
 * What happens to the next request of a kind. `_after`: it takes effect all the same; `_before`: it does not.
 * lost: no answer ever. reset: the connection breaks. error: 5xx with a page for humans. refused: an error that says why.
 * no_id, wrong_id: taken, but the answer names no order, or another one. reject_later: taken, then rejected. half_answer: cut.
 * fill_first: the order fills before the cancel or the replacement arrives. fill_late: reported filled after it was reported
 * canceled. late_list: taken, and missing from lists for a moment. late_positions: fills show in positions a moment later.
 */
export type Fault =
  | 'lost_after'
  | 'lost_before'
  | 'reset_after'
  | 'reset_before'
  | 'error_after'
  | 'error_before'
  | 'refused'
  | 'rate_limited'
  | 'unauthorized'
  | 'no_id'
  | 'wrong_id'
  | 'reject_later'
  | 'half_answer'
  | 'fill_first'
  | 'fill_late'
  | 'late_list'
  | 'late_positions';

export interface VenueOrder {
  readonly id: string;
  readonly isLive: boolean;
  readonly isEntry: boolean;
  /** Units. */
  readonly filledQty: number;
}

/** The truth, and the levers that move it. */
export interface Venue {
  now(): EasternUs;
  /** Prices in 1/10,000 dollar; `sz` contracts on each side, default 1,000. */
  setQuote(symbol: OsiSymbol, quote: { bid_e4: number; ask_e4: number; sz?: number }): void;
  /** Every order that it took, oldest first. */
  orders(): readonly VenueOrder[];
  positionOf(symbol: string): number;
  /** Requests of a kind that reached it. */
  requests(ask: Ask): number;
  fault(ask: Ask, fault: Fault): void;
  /** Executes units of a live order now. */
  fill(id: string, qty: number): void;
  /** An order as from the broker's own page; its id. */
  manualOrder(order: BrokerOrder): string;
  /** The login dies: no token can be had any more. */
  loseLogin(): void;
  restrictToClosing(): void;
  /** Assigns short contracts; shares are shown at once. */
  assign(symbol: OsiSymbol, contracts: number): void;
  /** Breaks the connection that hints come over. */
  dropHints(): void;
  /** True while hints come through. */
  hearsHints(): boolean;
  /** Goes away: nobody listens at its address any more. */
  stop(): Promise<void>;
}

export interface UnderTest {
  readonly broker: Broker;
  readonly venue: Venue;
}

/** What some brokers do not have. */
export type Capability =
  /** Between it and us: requests and answers can be lost. */
  | 'wire'
  | 'limits of requests'
  | 'client ids'
  | 'spreads'
  | 'stops'
  | 'replacing'
  | 'hints'
  | 'logins that die'
  | 'answers without an id'
  | 'accounts restricted to closing'
  | 'assignment';

export interface Subject {
  /** A broker and a venue of the case's own. `tiny` has two requests for entries, and two more for exits. */
  make(options?: { readonly limits: 'ample' | 'tiny' }): Promise<UnderTest>;
  /** What it cannot do, and why: its cases are shown as skipped with the reason. */
  readonly cannot: Readonly<Partial<Record<Capability, string>>>;
  /** Two contracts of one expiration, the lower strike first, and one more. */
  readonly contracts: { readonly near: OsiSymbol; readonly far: OsiSymbol; readonly other: OsiSymbol };
}

/** Runs all cases on an adapter. */
export function describeBroker(name: string, subject: Subject): void {
  describe(`the broker contract: ${name}`, () => {
    submitCases(subject);
    rejectCases(subject);
    unknownCases(subject);
    cancelCases(subject);
    replaceCases(subject);
    readCases(subject);
    accountCases(subject);
    hintCases(subject);
  });
}
