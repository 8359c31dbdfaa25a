// What an account must hold against its positions: simple on purpose, and on the strict side of Schwab's own figures.
//
// - A short option that a long one of its kind and root covers (same or later expiration): the difference of the strikes where
//   that is a loss, x 100. Both sides of an iron condor count; Schwab asks for one.
// - Another short option: 20 % of the underlying less what it is out of the money, at least 10 % (of the strike for a put), plus
//   its own mark, x 100. Without a quote of the underlying it counts as at the money.
// - Shares, long or short: half their value. Long options have no loan value.
import { type OptionContract, parseOsi } from '../../core/osi_symbol.ts';
import type { QuoteBoard } from './quote_board.ts';
import { isOptionSymbol, underlyingOf } from './symbols.ts';

const NAKED_SHARE = 0.2;
const NAKED_MINIMUM = 0.1;
const SHARES_SHARE = 0.5;

interface OptionPosition {
  readonly symbol: string;
  readonly contract: OptionContract;
  left: number;
}

/** Loss per share of a short option that a long one covers, in 1/10,000 dollar; null where it does not cover. */
function coveredLoss(short: OptionContract, long: OptionContract): number | null {
  const fits = short.root === long.root && short.option_kind === long.option_kind;
  if (!fits || long.expiration < short.expiration) return null;
  const difference = long.strike_e4 - short.strike_e4;
  return Math.max(0, short.option_kind === 'call' ? difference : -difference);
}

function nakedRequirement(short: OptionPosition, board: QuoteBoard): number {
  const { strike_e4, option_kind, root } = short.contract;
  const underlying = board.markOf(underlyingOf(root)) ?? strike_e4;
  const outOfMoney = Math.max(0, option_kind === 'call' ? strike_e4 - underlying : underlying - strike_e4);
  const minimum = NAKED_MINIMUM * (option_kind === 'call' ? underlying : strike_e4);
  return Math.max(NAKED_SHARE * underlying - outOfMoney, minimum) + (board.markOf(short.symbol) ?? 0);
}

function shortRequirement(
  short: OptionPosition,
  longs: readonly OptionPosition[],
  board: QuoteBoard,
): number {
  const covers = longs
    .map((long) => ({ long, loss: coveredLoss(short.contract, long.contract) }))
    .filter((cover): cover is { long: OptionPosition; loss: number } => cover.loss !== null)
    .sort((a, b) => a.loss - b.loss);
  let required = 0;
  for (const { long, loss } of covers) {
    const pairs = Math.min(short.left, long.left);
    short.left -= pairs;
    long.left -= pairs;
    required += pairs * loss * 100;
  }
  return required + (short.left === 0 ? 0 : short.left * nakedRequirement(short, board) * 100);
}

/** The requirement of positions (contracts and shares by symbol, negative when short), in 1/10,000 dollar, per symbol. */
export function requirements(
  positions: ReadonlyMap<string, number>,
  board: QuoteBoard,
): ReadonlyMap<string, number> {
  const options: (OptionPosition & { qty: number })[] = [];
  const required = new Map<string, number>();
  for (const [symbol, qty] of positions) {
    const contract = isOptionSymbol(symbol) ? parseOsi(symbol) : null;
    if (contract !== null) options.push({ symbol, contract, left: Math.abs(qty), qty });
    else required.set(symbol, Math.round(SHARES_SHARE * Math.abs(qty) * (board.markOf(symbol) ?? 0)));
  }
  const longs = options.filter((option) => option.qty > 0);
  for (const short of options.filter((option) => option.qty < 0)) {
    required.set(short.symbol, Math.round(shortRequirement(short, longs, board)));
  }
  return required;
}

/** Cash and shares less the requirement: what an opening order must not take below zero, in 1/10,000 dollar. */
export function availableFunds(
  cash_e4: number,
  positions: ReadonlyMap<string, number>,
  board: QuoteBoard,
): number {
  let funds = cash_e4;
  for (const [symbol, qty] of positions) {
    if (!isOptionSymbol(symbol)) funds += qty * (board.markOf(symbol) ?? 0);
  }
  for (const required of requirements(positions, board).values()) funds -= required;
  return funds;
}
