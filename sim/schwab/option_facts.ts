// What a quote and its contract say about an option: shared by quotes, chains and the streamer.
import {
  dateOf,
  type EasternUs,
  epochMsFromEastern,
  midnightOf,
  type SessionDate,
} from '../../core/eastern_time.ts';
import type { OptionContract } from '../../core/osi_symbol.ts';
import { timeOf } from '../venue/hours.ts';
import type { BoardQuote } from '../venue/quote_board.ts';
import type { Json } from './instruments.ts';
import { dollars } from './order_view.ts';

/** What Schwab sends for greeks and volatility that it does not have. */
export const NOT_AVAILABLE = -999;
const DAY_US = 86_400_000_000;

/** Calendar days, 0 on the day itself. */
export function daysToExpiration(contract: OptionContract, now: EasternUs): number {
  const expiration = midnightOf(contract.expiration as SessionDate);
  return Math.round((expiration - midnightOf(dateOf(now))) / DAY_US);
}

/** 16:00 Eastern of the expiration, in epoch milliseconds. */
export function optionClose(contract: OptionContract): number {
  return epochMsFromEastern(timeOf(contract.expiration as SessionDate, '16:00'));
}

/** Dollars in the money, negative when out of it. */
export function intrinsicValue(contract: OptionContract, underlying_e4: number): number {
  const difference = underlying_e4 - contract.strike_e4;
  return dollars(contract.option_kind === 'call' ? difference : -difference);
}

/** Volatility and greeks from the quote's fields, by the streamer's numbers. */
export function greeks(quote: BoardQuote): Json {
  const [volatility, delta, gamma, theta, vega, rho] = [10, 28, 29, 30, 31, 32].map(
    (number) => quote.fields[number] ?? NOT_AVAILABLE,
  );
  return { volatility, delta, gamma, theta, vega, rho };
}
