// The account in Tradier's JSON (reference A8): balances, positions and profile as a report made at some instant knows them.
import type { EasternUs } from '../../core/eastern_time.ts';
import {
  type AccountBook,
  cashOf,
  type Holding,
  holdingsOf,
  multiplierOf,
  type Posting,
} from '../venue/account_book.ts';
import { availableFunds, requirements } from '../venue/margin.ts';
import type { QuoteBoard } from '../venue/quote_board.ts';
import { isOptionSymbol } from '../venue/symbols.ts';
import { iso } from './order_view.ts';
import { toTradier } from './symbols.ts';
import { type Json, list } from './wire.ts';

function cents(value_e4: number): number {
  return Math.round(value_e4 / 100) / 100;
}

function worthOf(holding: Holding, board: QuoteBoard): number {
  return holding.qty * multiplierOf(holding.symbol) * (board.markOf(holding.symbol) ?? holding.avg_px_e4);
}

/** GET /accounts/{id}/positions. */
export function positionsView(book: AccountBook, asOf: EasternUs): Json {
  const counts = (posting: Posting): boolean => posting.shownAt <= asOf;
  const rows = holdingsOf(book, counts).map((holding, i) => ({
    cost_basis: cents(holding.avg_px_e4 * holding.qty * multiplierOf(holding.symbol)),
    date_acquired: iso(book.postings.find((each) => each.symbol === holding.symbol)?.at ?? asOf),
    id: 130_000 + i,
    quantity: holding.qty,
    symbol: toTradier(holding.symbol),
  }));
  return { positions: list('position', rows) };
}

/** GET /accounts/{id}/balances of a margin account. */
export function balancesView(
  book: AccountBook,
  asOf: EasternUs,
  parts: { readonly board: QuoteBoard; readonly pendingOrders: number; readonly funds_e4: number },
): Json {
  const { board, pendingOrders, funds_e4 } = parts;
  const counts = (posting: Posting): boolean => posting.shownAt <= asOf;
  const held = holdingsOf(book, counts);
  const cash = cashOf(book, counts);
  const sum = (wanted: (holding: Holding) => boolean): number =>
    held.filter(wanted).reduce((total, holding) => total + worthOf(holding, board), 0);
  const isOption = (holding: Holding): boolean => isOptionSymbol(holding.symbol);
  const positions = new Map(held.map((holding) => [holding.symbol, holding.qty]));
  const required = [...requirements(positions, board).values()].reduce((total, each) => total + each, 0);
  const value = sum(() => true);
  const buyingPower = cents(Math.min(funds_e4, availableFunds(cash, positions, board)));
  return {
    balances: {
      option_short_value: cents(sum((each) => isOption(each) && each.qty < 0)),
      total_equity: cents(cash + value),
      account_number: book.accountNumber,
      account_type: book.type === 'MARGIN' ? 'margin' : 'cash',
      close_pl: 0,
      current_requirement: cents(required),
      equity: 0,
      long_market_value: cents(sum((each) => each.qty > 0)),
      market_value: cents(value),
      open_pl: 0,
      option_long_value: cents(sum((each) => isOption(each) && each.qty > 0)),
      option_requirement: cents(required),
      pending_orders_count: pendingOrders,
      short_market_value: cents(sum((each) => each.qty < 0)),
      stock_long_value: cents(sum((each) => !isOption(each) && each.qty > 0)),
      total_cash: cents(cash),
      uncleared_funds: 0,
      pending_cash: 0,
      ...(book.type === 'MARGIN'
        ? {
            margin: {
              fed_call: 0,
              maintenance_call: 0,
              option_buying_power: buyingPower,
              stock_buying_power: buyingPower * 2,
              stock_short_value: 0,
              sweep: 0,
            },
          }
        : { cash: { cash_available: buyingPower, sweep: 0, unsettled_funds: 0 } }),
    },
  };
}

/** GET /user/profile. */
export function profileView(books: readonly AccountBook[]): Json {
  const accounts = books.map((book) => ({
    account_number: book.accountNumber,
    classification: 'individual',
    date_created: '2026-01-02T15:00:00.000Z',
    day_trader: false,
    option_level: 4,
    status: 'active',
    type: book.type === 'MARGIN' ? 'margin' : 'cash',
    last_update_date: '2026-01-02T15:00:00.000Z',
  }));
  return {
    profile: {
      id: 'id-simulated',
      name: 'Simulated',
      account: accounts.length === 1 ? accounts[0] : accounts,
    },
  };
}
