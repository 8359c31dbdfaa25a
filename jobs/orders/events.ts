// What the order processes tell whoever runs them: a constant name, and the data for a log's fields.

export type OrderEventName =
  | 'order sent'
  | 'order accepted'
  | 'order rejected'
  | 'order unknown'
  | 'order not sent'
  | 'order dropped'
  | 'order denied'
  | 'order overtaken'
  | 'order recalled'
  | 'cancel asked'
  | 'entries stopped'
  | 'database lost'
  | 'fill recorded'
  | 'order settled'
  | 'order adopted'
  | 'order not found'
  | 'order uneven'
  | 'foreign order'
  | 'positions differ'
  | 'pass failed'
  | 'reconciled'
  | 'books compared'
  | 'books not compared';

export type OnOrderEvent = (name: OrderEventName, data: Readonly<Record<string, unknown>>) => void;
