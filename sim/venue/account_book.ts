// An account's book: every movement of contracts, shares and cash. Positions and balances are sums over it.
import type { EasternUs } from '../../core/eastern_time.ts';

export type FeeType = 'COMMISSION' | 'OPT_REG_FEE' | 'SEC_FEE' | 'TAF_FEE';

export interface Posting {
  /** Postings of one activity make one transaction. */
  readonly activityId: number;
  readonly at: EasternUs;
  /** From when on positions, balances and transactions tell of it. */
  readonly shownAt: EasternUs;
  readonly type: 'TRADE' | 'RECEIVE_AND_DELIVER';
  readonly description: string | null;
  readonly orderId: number | null;
  readonly symbol: string;
  /** Contracts or shares, negative when they leave the account. */
  readonly qty: number;
  readonly px_e4: number;
  /** Cash that moved, without fees, in 1/10,000 dollar. */
  readonly amount_e4: number;
  readonly fees: readonly { readonly type: FeeType; readonly amount_e4: number }[];
  readonly effect: 'open' | 'close';
}

export interface Holding {
  readonly symbol: string;
  /** Negative when short, never 0. */
  readonly qty: number;
  /** Average price of what is open, without and with fees, per share in 1/10,000 dollar (not rounded). */
  readonly avg_px_e4: number;
  readonly avg_net_px_e4: number;
}

export interface AccountBook {
  readonly accountNumber: string;
  readonly type: 'MARGIN' | 'CASH';
  readonly startCash_e4: number;
  /** Set by a test: Schwab then says so and rejects what opens. */
  isClosingOnly: boolean;
  readonly postings: Posting[];
}

/** Contracts and shares: of 100 or of one. */
export function multiplierOf(symbol: string): number {
  return symbol.length === 21 ? 100 : 1;
}

export function feesOf(posting: Posting): number {
  return posting.fees.reduce((sum, fee) => sum + fee.amount_e4, 0);
}

/** Cash in 1/10,000 dollar after the postings that `counts` lets through. */
export function cashOf(book: AccountBook, counts: (posting: Posting) => boolean = () => true): number {
  return book.postings
    .filter(counts)
    .reduce((cash, posting) => cash + posting.amount_e4 - feesOf(posting), book.startCash_e4);
}

interface Lot {
  qty: number;
  cost_e4: number;
  netCost_e4: number;
}

// What closes takes its share of the cost along; what turns the position round starts a new cost.
function addPosting(lot: Lot, posting: Posting): void {
  const cost = posting.qty * posting.px_e4;
  const feePerUnit = feesOf(posting) / multiplierOf(posting.symbol);
  const isOpening = lot.qty === 0 || Math.sign(lot.qty) === Math.sign(posting.qty);
  if (isOpening) {
    lot.qty += posting.qty;
    lot.cost_e4 += cost;
    lot.netCost_e4 += cost + feePerUnit;
    return;
  }
  const left = lot.qty + posting.qty;
  const share = Math.sign(left) === Math.sign(lot.qty) ? left / lot.qty : 0;
  lot.cost_e4 *= share;
  lot.netCost_e4 *= share;
  if (left !== 0 && share === 0) {
    lot.cost_e4 = left * posting.px_e4;
    lot.netCost_e4 = lot.cost_e4;
  }
  lot.qty = left;
}

/** What is held after the postings that `counts` lets through, by symbol. */
export function holdingsOf(
  book: AccountBook,
  counts: (posting: Posting) => boolean = () => true,
): readonly Holding[] {
  const lots = new Map<string, Lot>();
  for (const posting of book.postings.filter(counts)) {
    const lot = lots.get(posting.symbol) ?? { qty: 0, cost_e4: 0, netCost_e4: 0 };
    addPosting(lot, posting);
    lots.set(posting.symbol, lot);
  }
  return [...lots]
    .filter(([, lot]) => lot.qty !== 0)
    .map(([symbol, lot]) => ({
      symbol,
      qty: lot.qty,
      avg_px_e4: lot.cost_e4 / lot.qty,
      avg_net_px_e4: lot.netCost_e4 / lot.qty,
    }))
    .sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
}

/** Contracts or shares held in truth, negative when short. */
export function heldQty(book: AccountBook, symbol: string): number {
  return book.postings.reduce((sum, each) => (each.symbol === symbol ? sum + each.qty : sum), 0);
}
