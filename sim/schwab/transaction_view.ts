// Transactions in Schwab's JSON (reference B2.8): a row for each leg that traded, and for each option that expired or was assigned.
import { dateOf, type EasternUs } from '../../core/eastern_time.ts';
import { type AccountBook, type FeeType, feesOf, type Posting } from '../venue/account_book.ts';
import { dayAfter } from '../venue/hours.ts';
import type { Instruments, Json } from './instruments.ts';
import { dollars, schwabTime } from './order_view.ts';

const DOLLAR = {
  assetType: 'CURRENCY',
  status: 'ACTIVE',
  symbol: 'CURRENCY_USD',
  description: 'USD currency',
  instrumentId: 1,
  closingPrice: 0,
};

// Fees are items beside the instrument's, the cost negative. Zero fees have their item too (recorded).
function feeItem(fee: { readonly type: FeeType; readonly amount_e4: number }): Json {
  const amount = dollars(fee.amount_e4);
  return { instrument: DOLLAR, amount, cost: amount === 0 ? 0 : -amount, feeType: fee.type };
}

function instrumentItem(posting: Posting, to: Instruments): Json {
  return {
    instrument: to.ofTransaction(posting.symbol),
    amount: posting.qty,
    cost: dollars(posting.amount_e4),
    price: dollars(posting.px_e4),
    positionEffect: posting.effect === 'open' ? 'OPENING' : 'CLOSING',
  };
}

function row(postings: readonly Posting[], book: AccountBook, to: Instruments): Json {
  const [first] = postings;
  if (first === undefined) throw new Error('a transaction needs a posting');
  const net = postings.reduce((sum, posting) => sum + posting.amount_e4 - feesOf(posting), 0);
  return {
    activityId: first.activityId,
    time: schwabTime(first.at),
    ...(first.description === null ? {} : { description: first.description }),
    accountNumber: book.accountNumber,
    type: first.type,
    status: 'VALID',
    subAccount: book.type,
    tradeDate: schwabTime(first.at),
    settlementDate: `${dayAfter(dateOf(first.at))}T00:00:00+0000`,
    positionId: 2_700_000_000 + to.idOf(first.symbol),
    ...(first.orderId === null ? {} : { orderId: first.orderId }),
    netAmount: dollars(net),
    transferItems: postings.flatMap((posting) => [...posting.fees.map(feeItem), instrumentItem(posting, to)]),
  };
}

export interface TransactionQuery {
  /** Of the activity, both included. */
  readonly from: EasternUs;
  readonly to: EasternUs;
  readonly types: readonly string[];
  readonly symbol: string | null;
}

/** Transactions as reported at `asOf`, newest first; those of a query, or all. */
export function transactionViews(
  book: AccountBook,
  asOf: EasternUs,
  to: Instruments,
  query: TransactionQuery | null,
): readonly Json[] {
  const activities = new Map<number, Posting[]>();
  for (const posting of book.postings.filter((each) => each.shownAt <= asOf)) {
    activities.set(posting.activityId, [...(activities.get(posting.activityId) ?? []), posting]);
  }
  const wanted = [...activities.values()].filter(([first]) => {
    if (query === null || first === undefined) return true;
    // Times are whole seconds here too, and a client that asks up to this second means all of it.
    const second = Math.floor(first.at / 1e6) * 1e6;
    const isInTime = second >= query.from && second <= query.to;
    return isInTime && query.types.includes(first.type) && (query.symbol ?? first.symbol) === first.symbol;
  });
  return wanted.reverse().map((postings) => row(postings, book, to));
}
