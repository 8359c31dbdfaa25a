// The answer of previewOrder (reference B2.7): 200 even for an order that would be rejected.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { AccountBook } from '../venue/account_book.ts';
import { type CheckContext, fundsAfter, rejectReason, valueAtLimit } from '../venue/checks.ts';
import type { OrderLeg, OrderSpec } from '../venue/order.ts';
import type { Instruments, Json } from './instruments.ts';
import { dollars, schwabTime } from './order_view.ts';

function legView(leg: OrderLeg, legId: number, qty: number, context: CheckContext, to: Instruments): Json {
  const quote = context.board.get(leg.symbol);
  const mark = dollars(context.board.markOf(leg.symbol) ?? 0);
  const { instrumentId: _id, cusip: _cusip, ...instrument } = to.ofOrder(leg.symbol);
  return {
    askPrice: dollars(quote?.ask_e4 ?? 0),
    bidPrice: dollars(quote?.bid_e4 ?? 0),
    lastPrice: mark,
    markPrice: mark,
    projectedCommission: commissionOf(leg, qty, context),
    finalSymbol: leg.symbol,
    legId,
    assetType: leg.isOption ? 'OPTION' : 'EQUITY',
    instruction: leg.instruction,
    positionEffect: leg.effect === 'open' ? 'OPENING' : 'CLOSING',
    instrument,
  };
}

function commissionOf(leg: OrderLeg, qty: number, context: CheckContext): number {
  return leg.isOption ? dollars(context.settings.fees.commission_e4 * leg.ratio * qty) : 0;
}

function feesView(spec: OrderSpec, context: CheckContext): Json {
  const { fees } = context.settings;
  const commissionLegs = spec.legs.map((leg) => ({
    commissionValues: [
      { value: 0, type: 'BASE_CHARGE' },
      { value: commissionOf(leg, spec.qty, context), type: 'COMMISSION' },
    ],
  }));
  const feeLegs = spec.legs.map((leg) => ({
    feeValues: [
      { value: dollars(fees.optRegFee_e4 * leg.ratio * spec.qty), type: 'OPT_REG_FEE' },
      { value: leg.side === 'sell' ? dollars(fees.secFee_e4 * leg.ratio * spec.qty) : 0, type: 'SEC_FEE' },
      { value: leg.side === 'sell' ? dollars(fees.tafFee_e4 * leg.ratio * spec.qty) : 0, type: 'TAF_FEE' },
    ],
  }));
  return { commission: { commissionLegs }, fee: { feeLegs }, trueCommission: { commissionLegs } };
}

function strategyView(
  book: AccountBook,
  spec: OrderSpec,
  outcome: { readonly reason: string | null; readonly now: EasternUs },
  context: CheckContext,
): Json {
  const isGood = outcome.reason === null;
  const funds = dollars(fundsAfter(context, book, spec, null));
  const orderValue = dollars(Math.abs(valueAtLimit(spec, context.board)));
  const entered = schwabTime(outcome.now);
  return {
    accountNumber: book.accountNumber,
    advancedOrderType: spec.strategy === 'TRIGGER' ? 'OTO' : spec.strategy === 'OCO' ? 'OCO' : 'NONE',
    ...(isGood ? {} : { closeTime: entered }),
    enteredTime: entered,
    orderBalance: {
      orderValue,
      projectedAvailableFund: funds,
      projectedBuyingPower: 2 * funds,
      projectedCommission: spec.legs.reduce((sum, leg) => sum + commissionOf(leg, spec.qty, context), 0),
    },
    orderStrategyType: spec.strategy,
    orderVersion: 1,
    session: spec.session,
    status: isGood ? 'ACCEPTED' : 'REJECTED',
    discretionary: false,
    duration: spec.duration,
    filledQuantity: 0,
    orderType: spec.type,
    orderValue,
    ...(spec.price_e4 === null ? {} : { price: dollars(spec.price_e4) }),
    quantity: spec.qty,
    remainingQuantity: isGood ? spec.qty : 0,
    sellNonMarginableFirst: false,
    strategy: spec.complexStrategy,
    amountIndicator: 'SHARES',
  };
}

/** What would become of an order sent now. Of a tree only the first node is looked at. */
export function previewView(
  book: AccountBook,
  spec: OrderSpec,
  now: EasternUs,
  context: CheckContext,
  to: Instruments,
): Json {
  const reason = rejectReason(context, book, spec, { now, order: null });
  const orderLegs = spec.legs.map((leg, i) => legView(leg, i + 1, spec.qty, context, to));
  return {
    orderId: 0,
    orderStrategy: { ...strategyView(book, spec, { reason, now }, context), orderLegs },
    orderValidationResult: {
      rejects: reason === null ? [] : [{ activityMessage: reason, originalSeverity: 'REJECT' }],
    },
    commissionAndFee: feesView(spec, context),
  };
}
