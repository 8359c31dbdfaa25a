// Accounts in Schwab's JSON (reference B2.1, G8): positions and balances as a report made at some instant knows them.
import { dateOf, type EasternUs, midnightOf } from '../../core/eastern_time.ts';
import {
  type AccountBook,
  cashOf,
  feesOf,
  type Holding,
  holdingsOf,
  multiplierOf,
  type Posting,
} from '../venue/account_book.ts';
import { availableFunds, requirements } from '../venue/margin.ts';
import type { QuoteBoard } from '../venue/quote_board.ts';
import { isOptionSymbol } from '../venue/symbols.ts';
import type { Instruments, Json } from './instruments.ts';
import { dollars } from './order_view.ts';

export interface AccountViewParts {
  readonly board: QuoteBoard;
  readonly instruments: Instruments;
}

function cents(value_e4: number): number {
  return Math.round(value_e4 / 100) / 100;
}

function marketValue(holding: Holding, board: QuoteBoard): number {
  return holding.qty * multiplierOf(holding.symbol) * (board.markOf(holding.symbol) ?? holding.avg_px_e4);
}

function sideFields(holding: Holding, settled: number): Json {
  const qty = Math.abs(holding.qty);
  const px = dollars(holding.avg_px_e4);
  const net = dollars(holding.avg_net_px_e4);
  if (holding.qty > 0) {
    return {
      longQuantity: qty,
      shortQuantity: 0,
      settledLongQuantity: settled,
      settledShortQuantity: 0,
      averagePrice: net,
      averageLongPrice: px,
      taxLotAverageLongPrice: net,
      ...(settled > 0 ? { previousSessionLongQuantity: settled } : {}),
    };
  }
  return {
    longQuantity: 0,
    shortQuantity: qty,
    settledLongQuantity: 0,
    // Negative, unlike the other quantities (recorded).
    settledShortQuantity: settled > 0 ? -settled : 0,
    averagePrice: net,
    averageShortPrice: px,
    taxLotAverageShortPrice: net,
    ...(settled > 0 ? { previousSessionShortQuantity: settled } : {}),
  };
}

interface Snapshot {
  readonly book: AccountBook;
  /** Postings shown by now, and those of earlier days. */
  readonly isShown: (posting: Posting) => boolean;
  readonly isEarlier: (posting: Posting) => boolean;
  readonly holdings: readonly Holding[];
}

function snapshot(book: AccountBook, asOf: EasternUs): Snapshot {
  const midnight = midnightOf(dateOf(asOf));
  const isShown = (posting: Posting): boolean => posting.shownAt <= asOf;
  const isEarlier = (posting: Posting): boolean => isShown(posting) && posting.at < midnight;
  return { book, isShown, isEarlier, holdings: holdingsOf(book, isShown) };
}

function positionView(holding: Holding, of: Snapshot, required_e4: number, parts: AccountViewParts): Json {
  const { symbol, qty } = holding;
  const ofSymbol = of.book.postings.filter((each) => each.symbol === symbol && of.isShown(each));
  const before = ofSymbol.filter(of.isEarlier).reduce((sum, each) => sum + each.qty, 0);
  const dayCost = ofSymbol
    .filter((each) => !of.isEarlier(each))
    .reduce((sum, each) => sum - each.amount_e4 + feesOf(each), 0);
  const value = marketValue(holding, parts.board);
  const startValue = before * multiplierOf(symbol) * holding.avg_px_e4;
  const base = Math.abs(startValue + dayCost);
  const dayProfit = value - startValue - dayCost;
  const openProfit = value - qty * multiplierOf(symbol) * holding.avg_net_px_e4;
  const settled = Math.sign(before) === Math.sign(qty) ? Math.min(Math.abs(before), Math.abs(qty)) : 0;
  return {
    ...sideFields(holding, settled),
    currentDayProfitLoss: cents(dayProfit),
    currentDayProfitLossPercentage: base === 0 ? 0 : Math.round((dayProfit / base) * 10_000) / 100,
    instrument: parts.instruments.ofPosition(symbol),
    marketValue: cents(value),
    maintenanceRequirement: cents(required_e4),
    [qty > 0 ? 'longOpenProfitLoss' : 'shortOpenProfitLoss']: cents(openProfit),
    currentDayCost: cents(dayCost),
  };
}

interface Totals {
  readonly cash: number;
  readonly longOptions: number;
  readonly shortOptions: number;
  readonly longShares: number;
  readonly shortShares: number;
  readonly required: number;
  readonly available: number;
}

function totalsOf(of: Snapshot, isShown: Snapshot['isShown'], board: QuoteBoard): Totals {
  const holdings = holdingsOf(of.book, isShown);
  const sum = (isWanted: (holding: Holding) => boolean): number =>
    holdings.filter(isWanted).reduce((total, holding) => total + marketValue(holding, board), 0);
  const positions = new Map(holdings.map((holding) => [holding.symbol, holding.qty]));
  const cash = cashOf(of.book, isShown);
  return {
    cash,
    longOptions: sum(({ symbol, qty }) => isOptionSymbol(symbol) && qty > 0),
    shortOptions: sum(({ symbol, qty }) => isOptionSymbol(symbol) && qty < 0),
    longShares: sum(({ symbol, qty }) => !isOptionSymbol(symbol) && qty > 0),
    shortShares: sum(({ symbol, qty }) => !isOptionSymbol(symbol) && qty < 0),
    required: [...requirements(positions, board).values()].reduce((total, each) => total + each, 0),
    available: availableFunds(cash, positions, board),
  };
}

function liquidationValue(totals: Totals): number {
  return totals.cash + totals.longOptions + totals.shortOptions + totals.longShares + totals.shortShares;
}

// As recorded: equity leaves options out, available funds are cash less the requirement, buying power is twice that.
function currentBalances(totals: Totals): Json {
  const equity = totals.cash + totals.longShares + totals.shortShares;
  const available = cents(totals.available);
  const call = cents(Math.max(0, -totals.available));
  return {
    accruedInterest: 0,
    cashBalance: cents(totals.cash),
    cashReceipts: 0,
    longOptionMarketValue: cents(totals.longOptions),
    liquidationValue: cents(liquidationValue(totals)),
    longMarketValue: cents(totals.longShares),
    moneyMarketFund: 0,
    savings: 0,
    shortMarketValue: cents(totals.shortShares),
    pendingDeposits: 0,
    mutualFundValue: 0,
    bondValue: 0,
    shortOptionMarketValue: cents(totals.shortOptions),
    availableFunds: available,
    availableFundsNonMarginableTrade: available,
    buyingPower: cents(2 * totals.available),
    buyingPowerNonMarginableTrade: available,
    dayTradingBuyingPower: cents(4 * totals.available),
    equity: cents(equity),
    equityPercentage: 100,
    longMarginValue: cents(totals.longShares),
    maintenanceCall: call,
    maintenanceRequirement: cents(totals.required),
    marginBalance: 0,
    regTCall: 0,
    shortBalance: 0,
    shortMarginValue: cents(totals.shortShares),
    sma: available,
  };
}

function initialBalances(totals: Totals): Json {
  return {
    accruedInterest: 0,
    availableFundsNonMarginableTrade: cents(totals.available),
    buyingPower: cents(2 * totals.available),
    cashBalance: cents(totals.cash),
    equity: cents(totals.cash + totals.longShares + totals.shortShares),
    longOptionMarketValue: cents(totals.longOptions),
    shortOptionMarketValue: cents(totals.shortOptions),
    maintenanceRequirement: cents(totals.required),
    accountValue: cents(liquidationValue(totals)),
    liquidationValue: cents(liquidationValue(totals)),
    isInCall: false,
  };
}

function projectedBalances(totals: Totals): Json {
  return {
    availableFunds: cents(totals.available),
    availableFundsNonMarginableTrade: cents(totals.available),
    buyingPower: cents(2 * totals.available),
    dayTradingBuyingPower: cents(4 * totals.available),
    dayTradingBuyingPowerCall: 0,
    maintenanceCall: cents(Math.max(0, -totals.available)),
    regTCall: 0,
    isInCall: totals.available < 0,
    stockBuyingPower: cents(2 * totals.available),
  };
}

/** The account as reported at `asOf`. `positions` is absent when nothing is held, and where it was not asked for. */
export function accountView(
  book: AccountBook,
  options: { readonly asOf: EasternUs; readonly withPositions: boolean },
  parts: AccountViewParts,
): Json {
  const of = snapshot(book, options.asOf);
  const totals = totalsOf(of, of.isShown, parts.board);
  const required = requirements(new Map(of.holdings.map((each) => [each.symbol, each.qty])), parts.board);
  const positions = of.holdings.map((each) => positionView(each, of, required.get(each.symbol) ?? 0, parts));
  const value = cents(liquidationValue(totals));
  return {
    securitiesAccount: {
      type: book.type,
      accountNumber: book.accountNumber,
      roundTrips: 0,
      isDayTrader: false,
      isClosingOnlyRestricted: book.isClosingOnly,
      pfcbFlag: false,
      ...(options.withPositions && positions.length > 0 ? { positions } : {}),
      initialBalances: initialBalances(totalsOf(of, of.isEarlier, parts.board)),
      currentBalances: currentBalances(totals),
      projectedBalances: projectedBalances(totals),
    },
    aggregatedBalance: { currentLiquidationValue: value, liquidationValue: value },
  };
}
