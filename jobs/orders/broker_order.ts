// An intent as the broker is to see it, and the id that it carries where the broker keeps one.
import { type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import type { BrokerOrder, OrderLeg } from '../brokers/broker.ts';
import type { OrderTerms } from './records.ts';

/** The order to send: all legs in one. */
export function brokerOrderOf(terms: OrderTerms): BrokerOrder {
  const { legs, side, qty, order_type, limit_px_e4, stop_px_e4 } = terms;
  return {
    legs,
    qty,
    type: order_type,
    isCredit: side === 'sell',
    limit_px_e4: order_type === 'limit' ? limit_px_e4 : null,
    stop_px_e4: order_type === 'stop' ? stop_px_e4 : null,
  };
}

/**
 * Ours, the same however often it is asked for. With the time of sending it is unique at the broker even after the database, and
 * with it the numbering of intents, began anew.
 */
export function clientIdOf(order: { readonly intent_id: number; readonly ts_submitted: EasternUs }): string {
  return `strikebase-${order.intent_id}-${formatEastern(order.ts_submitted).replace(/\D/g, '')}`;
}

/** True if an order trades the same contracts in the same way, whatever its price and in whatever sequence its legs are told. */
export function isSameTrade({ legs, qty }: Pick<OrderTerms, 'legs' | 'qty'>, seen: BrokerOrder): boolean {
  return tradeKey(legs, qty) === tradeKey(seen.legs, seen.qty);
}

function tradeKey(legs: readonly OrderLeg[], qty: number): string {
  const parts = legs.map(({ symbol, side, effect, ratio }) => [symbol, side, effect, ratio * qty].join(' '));
  return parts.sort().join(', ');
}

/** `sell 25 QQQ   261120C00610000 at 1.20`, for messages. */
export function describeOrder(terms: OrderTerms): string {
  const { purpose, side, qty, symbol, order_type, limit_px_e4, stop_px_e4 } = terms;
  const px_e4 = order_type === 'stop' ? stop_px_e4 : limit_px_e4;
  const price =
    order_type === 'market' || px_e4 === null ? order_type : `${order_type} ${(px_e4 / 10_000).toFixed(2)}`;
  return `${purpose} ${terms.intent_id} (${side} ${qty} ${symbol}, ${price})`;
}
