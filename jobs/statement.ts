// The daily reconciliation: what our fills come to against what the broker has booked, order by order.
import type pg from 'pg';
import { addMs, type EasternUs, formatEastern, midnightOf, type SessionDate } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { inTransaction } from '../db/pool.ts';
import type { Broker } from './brokers/broker.ts';
import type { Transaction } from './brokers/transaction.ts';
import { raiseAlert } from './orders/alerts.ts';
import { isTraded, type TradedScope } from './orders/held_positions.ts';

export interface StatementOptions {
  /** Reads and writes as job_runner. */
  readonly client: pg.ClientBase;
  readonly broker: Broker;
  readonly account: string;
  /** `YYYY-MM-DD`. */
  readonly sessionDate: SessionDate;
  readonly now: EasternUs;
  /** Why a difference is accepted; null accepts none. */
  readonly accept?: string | null;
}

/** One side of an order's booking: contracts negative when sold, dollars. */
export interface Booking {
  readonly qty: number;
  readonly amount: number;
  readonly fees: number;
}

export interface BookedOrder {
  /** Null for fills whose order at the broker is not known. */
  readonly venueOrderId: string | null;
  readonly symbol: string;
  readonly ours: Booking;
  readonly brokers: Booking;
  /** What differs; null where they agree. */
  readonly difference: string | null;
}

export interface Statement {
  readonly orders: readonly BookedOrder[];
  /** Contracts that changed hands; dollars. */
  readonly ours: Booking;
  readonly brokers: Booking;
  readonly isOk: boolean;
  readonly detail: string;
}

const DAY_MS = 86_400_000;
const NOTHING: Booking = { qty: 0, amount: 0, fees: 0 };
// The broker rounds each fee of an order to a cent, and there are three or four of them.
const FEE_TOLERANCE = 0.05;
const MAX_DETAIL = 2000;

const SCOPE_SQL = `
  select distinct r.params ->> 'underlying' as underlying, r.params ->> 'option_root' as option_root
  from trade.runs r where r.account = $1 and r.mode = 'live' and r.broker <> 'paper'`;

const NOTE_SQL = `
  insert into trade.statements (
    account, session_date, ts, orders, our_qty, broker_qty, our_amount, broker_amount, our_fees, broker_fees, is_ok, detail
  ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

/**
 * Compares a day and notes it in trade.statements; a difference is an alert, and a red check until a later comparison agrees or
 * somebody accepts it. Throws a Failure where the broker has no books or cannot be asked.
 */
export async function compareDay(options: StatementOptions): Promise<Statement> {
  const { client, broker, account, sessionDate, now, accept = null } = options;
  const { transactions } = broker;
  if (transactions === undefined)
    throw new Failure(`${broker.name} keeps no books of its own to compare with`);
  const from = midnightOf(sessionDate);
  const booked = await transactions({ from, to: addMs(from, DAY_MS), types: ['TRADE'] });
  const scope = await scopeOf(client, account);
  const orders = compare(await ourBookings(client, account, sessionDate), brokersBookings(booked, scope));
  const statement = statementOf(orders, accept);
  await inTransaction(client, async () => {
    await note(options, statement);
    if (statement.isOk) return;
    const text = `the books of ${account} for ${sessionDate} differ: ${statement.detail}`;
    await raiseAlert(client, {
      ...{
        key: `statement ${account} ${sessionDate} ${formatEastern(now)}`,
        severity: 'critical',
        text,
        at: now,
      },
    });
  });
  return statement;
}

async function scopeOf(client: pg.ClientBase, account: string): Promise<TradedScope> {
  const { rows } = await client.query<{ underlying: string; option_root: string }>(SCOPE_SQL, [account]);
  return {
    underlyings: new Set(rows.map((row) => row.underlying)),
    roots: new Set(rows.map((row) => row.option_root)),
  };
}

type Bookings = ReadonlyMap<string, Booking>;

function keyOf(venueOrderId: string | null, symbol: string): string {
  return `${venueOrderId ?? ''}|${symbol}`;
}

async function ourBookings(client: pg.ClientBase, account: string, sessionDate: string): Promise<Bookings> {
  const { rows } = await client.query<{
    venue_order_id: string | null;
    symbol: string;
    qty: number;
    amount: string;
    fees: string;
  }>('select * from trade.day_bookings($1, $2)', [account, sessionDate]);
  return new Map(
    rows.map(({ venue_order_id, symbol, qty, amount, fees }) => [
      keyOf(venue_order_id, symbol),
      { qty, amount: Number(amount), fees: Number(fees) },
    ]),
  );
}

/** By order and contract, in what our runs trade: other holdings of the account are none of our business. */
function brokersBookings(transactions: readonly Transaction[], scope: TradedScope): Bookings {
  const found = new Map<string, Booking>();
  for (const { venueOrderId, items, fees } of transactions) {
    const traded = items.filter(({ symbol }) => isTraded(symbol, scope));
    const contracts = traded.reduce((sum, { qty }) => sum + Math.abs(qty), 0);
    const all_e4 = fees.reduce((sum, fee) => sum + fee.amount_e4, 0);
    for (const { symbol, qty, amount_e4 } of traded) {
      const key = keyOf(venueOrderId, symbol);
      const before = found.get(key) ?? NOTHING;
      // A spread's fees come as one: they are shared by contract.
      const fees_e4 = contracts === 0 ? all_e4 / traded.length : (all_e4 * Math.abs(qty)) / contracts;
      found.set(key, {
        qty: before.qty + qty,
        amount: before.amount + amount_e4 / 10_000,
        fees: before.fees + fees_e4 / 10_000,
      });
    }
  }
  return found;
}

function compare(ours: Bookings, brokers: Bookings): readonly BookedOrder[] {
  const keys = [...new Set([...ours.keys(), ...brokers.keys()])].sort();
  return keys.map((key) => {
    const [id = '', symbol = ''] = key.split('|');
    const mine = ours.get(key) ?? NOTHING;
    const theirs = brokers.get(key) ?? NOTHING;
    const difference = differenceOf(`order ${id === '' ? 'unknown' : id} (${symbol})`, mine, theirs);
    return { venueOrderId: id === '' ? null : id, symbol, ours: mine, brokers: theirs, difference };
  });
}

function differenceOf(what: string, ours: Booking, brokers: Booking): string | null {
  const parts = [
    ours.qty === brokers.qty ? null : `${brokers.qty} contracts at the broker and ${ours.qty} by our fills`,
    isSame(ours.amount, brokers.amount, 0.005) ? null : apart('', brokers.amount, ours.amount),
    isSame(ours.fees, brokers.fees, FEE_TOLERANCE) ? null : apart(' of fees', brokers.fees, ours.fees),
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `${what}: ${parts.join(', ')}`;
}

function apart(what: string, brokers: number, ours: number): string {
  return `$${brokers.toFixed(2)}${what} at the broker and $${ours.toFixed(2)} by our fills`;
}

function isSame(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance + 1e-9;
}

function statementOf(orders: readonly BookedOrder[], accept: string | null): Statement {
  const sum = (side: (order: BookedOrder) => Booking): Booking =>
    orders.reduce(
      (total, order) => ({
        qty: total.qty + Math.abs(side(order).qty),
        amount: total.amount + side(order).amount,
        fees: total.fees + side(order).fees,
      }),
      NOTHING,
    );
  const differences = orders.flatMap(({ difference }) => difference ?? []);
  const detail =
    differences.length === 0
      ? `${orders.length} orders as the broker has booked them`
      : differences.join('; ');
  return {
    ...{ orders, ours: sum(({ ours }) => ours), brokers: sum(({ brokers }) => brokers) },
    isOk: differences.length === 0 || accept !== null,
    detail: differences.length === 0 || accept === null ? detail : `accepted (${accept}): ${detail}`,
  };
}

async function note({ client, account, sessionDate, now }: StatementOptions, of: Statement): Promise<void> {
  const { orders, ours, brokers, isOk, detail } = of;
  const money = (dollars: number): string => dollars.toFixed(4);
  await client.query(NOTE_SQL, [
    ...[account, sessionDate, formatEastern(now), orders.length, ours.qty, brokers.qty],
    ...[money(ours.amount), money(brokers.amount), money(ours.fees), money(brokers.fees)],
    ...[isOk, detail.slice(0, MAX_DETAIL)],
  ]);
}
