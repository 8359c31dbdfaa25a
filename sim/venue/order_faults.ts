// Faults of orders and of what is told about them, alike at every simulated broker.
import { type OrderPlan, PLAIN_PLAN, type SimOrder } from './order.ts';

export type OrderFault =
  // POST and PUT of an order.
  | { readonly kind: 'reject'; readonly reason?: string }
  | { readonly kind: 'list_lag'; readonly ms: number; readonly byId?: boolean }
  | { readonly kind: 'positions_lag'; readonly ms: number }
  | { readonly kind: 'report_lag'; readonly ms: number }
  | { readonly kind: 'partial'; readonly qtys: readonly number[] }
  // PUT: the old order fills first. DELETE: it fills before, or is reported filled `lagMs` after it was reported canceled.
  | { readonly kind: 'fill_during_replace'; readonly qty?: number }
  | { readonly kind: 'fill_during_cancel'; readonly qty?: number }
  | { readonly kind: 'fill_after_cancel'; readonly qty?: number; readonly lagMs: number }
  | { readonly kind: 'cancel_refused' }
  // GET: the answer of so long ago.
  | { readonly kind: 'stale'; readonly ms: number };

type AnyFault = OrderFault | { readonly kind: 'none' };

/** What a fault has in store for the order that it meets. */
export function planOf(fault: { readonly kind: string } | null): OrderPlan {
  const known = fault as AnyFault | null;
  switch (known?.kind) {
    case 'reject':
      return { ...PLAIN_PLAN, rejectReason: known.reason ?? 'The order was rejected.' };
    case 'list_lag':
      return { ...PLAIN_PLAN, listLagMs: known.ms, isHiddenById: known.byId ?? false };
    case 'positions_lag':
      return { ...PLAIN_PLAN, positionsLagMs: known.ms };
    case 'report_lag':
      return { ...PLAIN_PLAN, reportLagMs: known.ms };
    case 'partial':
      return { ...PLAIN_PLAN, partials: known.qtys };
    default:
      return PLAIN_PLAN;
  }
}

/** Units that a fault fills; none of an order that has not reached the market. */
export function fillable(order: SimOrder, qty: number | undefined): number {
  if (!order.isRouted) return 0;
  return Math.min(qty ?? Number.POSITIVE_INFINITY, order.spec.qty - order.filledQty);
}
