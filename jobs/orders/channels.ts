// The channels on which the order path's processes wake each other: hints with the account as payload, never data.

/** Intents were written, or an order has changed: look at trade.order_work. */
export const ORDERS_CHANNEL = 'strikebase_orders';
/** Something was asked of the broker: look at its answer. */
export const RECONCILE_CHANNEL = 'strikebase_reconcile';
