// Expiry and assignment: what happens overnight to option positions, and shows the next morning (reference D4).
import { addMs, dateOf, type EasternUs, type SessionDate } from '../../core/eastern_time.ts';
import { type OptionContract, parseOsi } from '../../core/osi_symbol.ts';
import { type AccountBook, type Holding, holdingsOf, type Posting } from './account_book.ts';
import { dayAfter, timeOf } from './hours.ts';
import { isCashSettled, isOptionSymbol, underlyingOf } from './symbols.ts';

export interface SettlementOptions {
  /** Default QQQ; of others only contracts of this root settle. */
  readonly root?: string;
  /** Out of the money by the close and exercised all the same: a move after hours. */
  readonly exercised?: readonly string[];
  /** In the money by the close and not exercised. */
  readonly declined?: readonly string[];
  /** When reports tell of it: HH:MM of the next day, or at once. Default 06:00. */
  readonly shownAt?: string | 'now';
}

export interface Settlement {
  readonly accountNumber: string;
  readonly symbol: string;
  /** Contracts, negative when short. */
  readonly qty: number;
  readonly outcome: 'expired' | 'assigned' | 'exercised';
  /** Shares received (positive) or delivered. */
  readonly shares: number;
}

interface Moment {
  readonly at: EasternUs;
  readonly shownAt: EasternUs;
  readonly activityId: number;
}

function isInTheMoney(contract: OptionContract, close_e4: number): boolean {
  const difference = close_e4 - contract.strike_e4;
  // OCC exercises what is a cent or more in the money.
  return (contract.option_kind === 'call' ? difference : -difference) >= 100;
}

// Removes the option and delivers the shares, or the cash of an index option.
function settleHolding(
  book: AccountBook,
  holding: Holding,
  contract: OptionContract,
  options: Moment & { readonly isExercised: boolean; readonly close_e4: number },
): Settlement {
  const { isExercised, close_e4, ...moment } = options;
  const isLong = holding.qty > 0;
  const outcome = !isExercised ? 'expired' : isLong ? 'exercised' : 'assigned';
  const common = {
    ...moment,
    type: 'RECEIVE_AND_DELIVER' as const,
    description:
      outcome === 'expired' ? 'REMOVAL OF OPTION DUE TO EXPIRATION' : `OPTION ${outcome.toUpperCase()}`,
    orderId: null,
    fees: [],
  };
  const inCash = isExercised && isCashSettled(contract.root);
  const value_e4 = inCash ? Math.abs(close_e4 - contract.strike_e4) * 100 * holding.qty : 0;
  const removal: Posting = {
    ...common,
    symbol: holding.symbol,
    qty: -holding.qty,
    px_e4: 0,
    amount_e4: value_e4,
    effect: 'close',
  };
  book.postings.push(removal);
  const gets = contract.option_kind === 'call' ? holding.qty : -holding.qty;
  const shares = isExercised && !inCash ? gets * 100 : 0;
  if (shares !== 0) {
    const { strike_e4 } = contract;
    const symbol = underlyingOf(contract.root);
    const amount_e4 = -shares * strike_e4;
    book.postings.push({ ...common, symbol, qty: shares, px_e4: strike_e4, amount_e4, effect: 'open' });
  }
  return { accountNumber: book.accountNumber, symbol: holding.symbol, qty: holding.qty, outcome, shares };
}

/**
 * Settles the contracts of a root that expire on `date` by the 16:00 close of their underlying (1/10,000 dollar): at 16:15, shown
 * the next morning. What is in the money by a cent is exercised or assigned.
 */
export function settleExpiry(
  books: readonly AccountBook[],
  activities: (count: number) => number,
  date: SessionDate,
  close_e4: number,
  options: SettlementOptions = {},
): readonly Settlement[] {
  const { root = 'QQQ', exercised = [], declined = [], shownAt = '06:00' } = options;
  const at = timeOf(date, '16:15');
  const shown = shownAt === 'now' ? at : timeOf(dayAfter(date), shownAt);
  return books.flatMap((book) =>
    holdingsOf(book).flatMap((holding) => {
      const contract = isOptionSymbol(holding.symbol) ? parseOsi(holding.symbol) : null;
      if (contract?.root !== root || contract.expiration !== date) return [];
      const isItm = isInTheMoney(contract, close_e4);
      const isExercised = isItm ? !declined.includes(holding.symbol) : exercised.includes(holding.symbol);
      const moment = { at, shownAt: shown, activityId: activities(1), isExercised, close_e4 };
      return [settleHolding(book, holding, contract, moment)];
    }),
  );
}

/** Assigns contracts of a short position before its expiration: tonight, shown tomorrow morning or after `showAfterMs`. */
export function assignEarly(
  book: AccountBook,
  symbol: string,
  contracts: number,
  moment: { readonly now: EasternUs; readonly activityId: number; readonly showAfterMs?: number },
): Settlement | null {
  const holding = holdingsOf(book).find((each) => each.symbol === symbol);
  const contract = parseOsi(symbol);
  if (holding === undefined || contract === null || holding.qty >= 0) return null;
  const { now, activityId, showAfterMs } = moment;
  const shownAt =
    showAfterMs === undefined ? timeOf(dayAfter(dateOf(now)), '06:00') : addMs(now, showAfterMs);
  const part = { ...holding, qty: -Math.min(contracts, -holding.qty) };
  const options = { at: now, shownAt, activityId, isExercised: true, close_e4: contract.strike_e4 };
  return settleHolding(book, part, contract, options);
}
