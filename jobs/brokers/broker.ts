// The broker port: what the order path needs of a broker. Every adapter passes the same contract suite.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { Transaction, TransactionRange } from './transaction.ts';

export type Side = 'buy' | 'sell';
export type Effect = 'open' | 'close';

/** One leg of an order; it trades `ratio` contracts for every unit of the order. */
export interface OrderLeg {
  /** OSI symbol; in reports of orders that are none of ours also a ticker. */
  readonly symbol: string;
  readonly side: Side;
  readonly effect: Effect;
  readonly ratio: number;
}

/**
 * An option order, good for the day. Prices are 1/10,000 dollar per share of one unit, above zero: of one leg its price, of several
 * the net credit where `isCredit`, else the net debit.
 */
export interface BrokerOrder {
  readonly legs: readonly OrderLeg[];
  /** Units: of one leg, contracts. */
  readonly qty: number;
  readonly type: 'limit' | 'market' | 'stop';
  readonly isCredit: boolean;
  /** Of a limit order; null otherwise. */
  readonly limit_px_e4: number | null;
  /** Of a stop order, which becomes a market order when the contract trades there; null otherwise. */
  readonly stop_px_e4: number | null;
}

/**
 * What became of sending an order. `unknown` is anything that leaves open whether the broker has it: a time-out, a 5xx, a body
 * that cannot be read, an id that is missing. Only `not_sent` says for certain that no order left this machine.
 */
export type SendOutcome =
  | { readonly kind: 'submitted'; readonly venueOrderId: string }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string };

/**
 * What became of asking for a cancel: `requested` is not yet canceled; the order's report tells. `refused` are the broker's words;
 * only `not_sent` says for certain that it was not asked.
 */
export type CancelOutcome =
  | { readonly kind: 'requested' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string };

/** An execution, counted once by its id. */
export interface BrokerFill {
  /** Unique in the account. */
  readonly executionId: string;
  readonly ts: EasternUs;
  /** From 1, in the order's legs. */
  readonly legNo: number;
  /** Contracts. */
  readonly qty: number;
  readonly px_e4: number;
}

/** `unknown` is a state that this adapter does not know: never taken for an end. */
export type VenueState = 'working' | 'filled' | 'canceled' | 'rejected' | 'expired' | 'replaced' | 'unknown';

/** An order as the broker has it. A canceled, expired or replaced one may have fills. */
export interface OrderReport {
  readonly venueOrderId: string;
  readonly state: VenueState;
  readonly order: BrokerOrder;
  /** Units. */
  readonly filledQty: number;
  readonly enteredAt: EasternUs;
  /** The broker's words, for a reject. */
  readonly detail: string | null;
  /** The client's id, where the broker keeps one. */
  readonly clientId: string | null;
  readonly fills: readonly BrokerFill[];
}

/** Contracts (OSI symbol) or shares (ticker), negative when short. */
export interface BrokerPosition {
  readonly symbol: string;
  readonly qty: number;
  readonly avg_px_e4: number | null;
  /** Dollars. */
  readonly market_value: number | null;
}

/** Dollars. */
export interface BrokerAccount {
  readonly buyingPower: number;
  readonly equity: number;
  /** True where the broker takes closing orders only. */
  readonly isClosingOnly: boolean;
}

/** Something that must hold before an entry is sent. */
export interface BrokerCheck {
  /** E.g. `broker token`. */
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string;
}

/** Exits go before entries, and have a share of the request budget of their own. */
export type Priority = 'entry' | 'exit';

export interface SubmitOptions {
  readonly clientId: string;
  readonly priority: Priority;
  /** Called when the whole request has been handed to its connection; never by a broker without one. */
  readonly onWritten?: (() => void) | undefined;
  /** Told what the broker says of the order before it is sent, as it came, where the broker is asked; the order waits for it. */
  readonly onPreview?: ((preview: unknown) => Promise<void>) | undefined;
  /** Asked in the moment before the request leaves, after every wait for a token or an account: a reason keeps it back. */
  readonly obstacle?: (() => string | null) | undefined;
}

export interface Broker {
  /** As in trade.runs.broker. */
  readonly name: string;
  /** What looking at orders may spend of the broker's requests; absent where it is 60 a minute, 20 at once. */
  readonly reads?: { readonly perMinute: number; readonly burst: number };
  /** True where submit's client id comes back in reports; without it an order is found again by its fingerprint. */
  readonly keepsClientIds: boolean;
  /** The order as its reports show it, where the broker moves a price to one that it takes; absent where it moves none. */
  readonly carried?: (order: BrokerOrder) => BrokerOrder;
  /** Sends once. Never repeats by itself, whatever happens, and never throws. */
  submit(order: BrokerOrder, options: SubmitOptions): Promise<SendOutcome>;
  /** Asks once; never throws. */
  cancel(venueOrderId: string): Promise<CancelOutcome>;
  /** Sends a replacement once: the outcome's id is the new order's; the old one may fill first. Never throws. */
  replace(venueOrderId: string, order: BrokerOrder): Promise<SendOutcome>;
  /** Null where the broker knows no such order. Throws a Failure where it cannot be asked. With priority `exit`, for what an exit waits for, in a pause too, and once within seconds. */
  order(venueOrderId: string, priority?: Priority): Promise<OrderReport | null>;
  /** All orders entered since, of every state and origin. Throws a Failure where it cannot be asked. */
  ordersSince(from: EasternUs): Promise<readonly OrderReport[]>;
  /** Throws a Failure where it cannot be asked. */
  positions(): Promise<readonly BrokerPosition[]>;
  /** Throws a Failure where it cannot be asked. */
  account(): Promise<BrokerAccount>;
  /** Asks the broker and its tokens whether an entry sent now could be closed. Never throws: what fails is a check that is not ok. */
  checks(): Promise<readonly BrokerCheck[]>;
  /** What the broker has booked in a range; absent where there are no books but ours. Throws a Failure where it cannot be asked. */
  readonly transactions?: (range: TransactionRange) => Promise<readonly Transaction[]>;
  /** Calls back when the broker hints that an order or a position has changed: read it again. Returns how to stop. */
  onHint(listener: () => void): () => void;
  close(): Promise<void>;
}
