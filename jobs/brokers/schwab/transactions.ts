// What Schwab booked: trades with their fees, and what was delivered on assignment; for the daily reconciliation.
import type { Clock } from '../../../core/clock.ts';
import { scaleNumber } from '../../../core/decimal.ts';
import { addMs } from '../../../core/eastern_time.ts';
import { Failure } from '../../../core/failure.ts';
import { toOsi } from '../../../core/osi_symbol.ts';
import type { Effect } from '../broker.ts';
import type { BrokerHttp } from '../http.ts';
import type { Transaction, TransactionItem, TransactionRange, TransactionType } from '../transaction.ts';
import type { Accounts } from './accounts.ts';
import { type TransferItem, type WireTransaction, wireTransactions } from './wire.ts';
import { queryTime, schwabTime } from './wire_time.ts';

const MAX_ROWS = 3000;
const DAY_MS = 86_400_000;
const MAX_RANGE_MS = 365 * DAY_MS;
const ALL_TYPES: readonly TransactionType[] = ['TRADE', 'RECEIVE_AND_DELIVER'];

/** Transactions of a range of at most a year, by time. Throws a Failure where Schwab cannot be asked or a row cannot be read. */
export async function readTransactions(
  range: TransactionRange,
  options: { readonly http: BrokerHttp; readonly accounts: Accounts; readonly clock: Clock },
): Promise<readonly Transaction[]> {
  const { from, to, types = ALL_TYPES } = range;
  if (to <= from || to - from > MAX_RANGE_MS * 1000) {
    throw new Failure('transactions are asked for by a range of at most a year');
  }
  const rows: Transaction[] = [];
  // One type at a time: whether a list of types is taken is not documented.
  for (const type of types) {
    // The end is inclusive there.
    const query = { startDate: queryTime(from), endDate: queryTime(addMs(to, -1)), types: type };
    const found = await options.accounts.withHash((hash) =>
      options.http.read({
        route: 'GET transactions',
        path: `/accounts/${hash}/transactions`,
        query,
        schema: wireTransactions,
      }),
    );
    if (found === null) throw new Failure('Schwab does not know the account that it listed itself');
    if (found.length >= MAX_ROWS) {
      throw new Failure(`Schwab lists ${MAX_ROWS} transactions and there may be more`, {
        hint: 'Ask for a shorter range.',
      });
    }
    rows.push(...found.map((row) => transactionOf(row, type)));
  }
  // Within a second by id, which counts up.
  const byTime = (a: Transaction, b: Transaction): number =>
    a.ts - b.ts || Number(a.transactionId) - Number(b.transactionId);
  return rows.filter((row) => row.ts >= from && row.ts < to).sort(byTime);
}

function transactionOf(wire: WireTransaction, type: TransactionType): Transaction {
  const ts = schwabTime(wire.time);
  if (ts === null) throw new Failure(`Schwab's transaction ${wire.activityId} has no time that can be read`);
  const isFee = (item: TransferItem): boolean => item.instrument.assetType === 'CURRENCY';
  return {
    transactionId: wire.activityId,
    type,
    ts,
    venueOrderId: wire.orderId ?? null,
    net_amount_e4: money(wire.netAmount, wire),
    items: wire.transferItems.filter((item) => !isFee(item)).map((item) => itemOf(item, wire)),
    // Fees that do not apply come with the amount 0.
    fees: wire.transferItems
      .filter((item) => isFee(item) && item.cost !== 0)
      .map((item) => ({ type: item.feeType ?? 'UNKNOWN', amount_e4: 0 - money(item.cost, wire) })),
  };
}

function itemOf(item: TransferItem, wire: WireTransaction): TransactionItem {
  const { symbol, assetType } = item.instrument;
  const effects: Readonly<Record<string, Effect>> = { OPENING: 'open', CLOSING: 'close' };
  return {
    symbol: assetType === 'OPTION' ? (toOsi(symbol) ?? symbol) : symbol,
    qty: item.amount,
    px_e4: item.price === undefined ? null : scaleNumber(item.price, 4),
    amount_e4: money(item.cost, wire),
    effect: effects[item.positionEffect ?? ''] ?? null,
  };
}

function money(dollars: number, wire: WireTransaction): number {
  const amount_e4 = scaleNumber(dollars, 4);
  if (amount_e4 !== null) return amount_e4;
  throw new Failure(`Schwab's transaction ${wire.activityId} holds an amount that cannot be read`);
}
