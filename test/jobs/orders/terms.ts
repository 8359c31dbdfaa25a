// Orders and reports for tests of the pure parts of the order path.
import { type EasternUs, parseEastern } from '../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import type { BrokerFill, Effect, OrderReport, VenueState } from '../../../jobs/brokers/broker.ts';
import type { OpenOrder } from '../../../jobs/orders/records.ts';

export const PUT = 'QQQ   260617P00600000' as OsiSymbol;

export function at(time: string): EasternUs {
  const us = parseEastern(`2026-06-17 ${time}`);
  if (us === null) throw new Error(`not a time: ${time}`);
  return us;
}

/** An entry of 25 at 1.00, sent at 10:05:00 and unknown since; of one leg unless it says otherwise. */
export function openOrder(more: Partial<OpenOrder> & { readonly effect?: Effect } = {}): OpenOrder {
  const { effect = 'open', ...rest } = more;
  const { symbol = PUT, side = 'sell' } = rest;
  return {
    intent_id: 1,
    position_id: 1,
    purpose: 'entry',
    state: 'unknown',
    ts_state: at('10:05:00'),
    ts_submitted: at('10:05:00'),
    venue_order_id: null,
    symbol,
    side,
    legs: [{ symbol, side, effect, ratio: 1 }],
    qty: 25,
    order_type: 'limit',
    limit_px_e4: 10_000,
    stop_px_e4: null,
    filled_qty: 0,
    is_awaited: false,
    ...rest,
  };
}

/** What a broker reports of an order. */
export function reportOf(
  order: OpenOrder,
  more: {
    readonly id?: string;
    readonly state?: VenueState;
    readonly enteredAt?: EasternUs;
    readonly fills?: readonly BrokerFill[];
    readonly clientId?: string | null;
  } = {},
): OrderReport {
  const { legs, side, qty, order_type, limit_px_e4, stop_px_e4 } = order;
  const { id = '101', state = 'working', enteredAt = order.ts_submitted, fills = [], clientId = null } = more;
  return {
    venueOrderId: id,
    state,
    order: {
      legs,
      ...{ qty, type: order_type, isCredit: side === 'sell', limit_px_e4, stop_px_e4 },
    },
    filledQty: fills.reduce((sum, fill) => sum + fill.qty, 0),
    ...{ enteredAt, detail: null, clientId, fills },
  };
}

export function fillOf(qty: number, id = `x${qty}`): BrokerFill {
  return { executionId: id, ts: at('10:05:01'), legNo: 1, qty, px_e4: 10_000 };
}
