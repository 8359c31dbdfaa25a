// What the order path reads and writes in the database: one function for each routine of trade.*, with typed rows.
import type pg from 'pg';
import { type EasternUs, formatEastern, parseEastern } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import type { LastingConnection } from '../../db/lasting_connection.ts';
import { inTransaction } from '../../db/pool.ts';
import type { BrokerFill, BrokerPosition, OrderLeg, Side } from '../brokers/broker.ts';
import { type Alert, raiseAlert } from './alerts.ts';
import type { TradedScope } from './held_positions.ts';

/** `protect` is a stop that rests at the broker. */
export type Purpose = 'entry' | 'exit' | 'protect';
export type OrderState =
  | 'submitted'
  | 'accepted'
  | 'partially_filled'
  | 'filled'
  | 'canceled'
  | 'rejected'
  | 'expired'
  | 'unknown';

/** An order as intended. Prices are 1/10,000 dollar, of several legs of the whole: a credit to sell it, a debit to buy it. */
export interface OrderTerms {
  readonly intent_id: number;
  readonly position_id: number;
  readonly purpose: Purpose;
  readonly venue_order_id: string | null;
  /** What is traded: a contract, or a spread by its name here. */
  readonly symbol: string;
  readonly side: Side;
  readonly legs: readonly OrderLeg[];
  /** Contracts, of several legs combinations. */
  readonly qty: number;
  readonly order_type: 'limit' | 'market' | 'stop';
  readonly limit_px_e4: number | null;
  readonly stop_px_e4: number | null;
}

/** A row of trade.order_work: what is to be done now. */
export interface WorkItem extends OrderTerms {
  readonly action: 'drop' | 'cancel' | 'send';
  /** Of a drop: begins with the state to record. */
  readonly reason: string | null;
}

/** A row of trade.open_orders: sent, and not ended or only just. */
export interface OpenOrder extends OrderTerms {
  readonly state: OrderState;
  readonly ts_state: EasternUs;
  readonly ts_submitted: EasternUs;
  /** Contracts, of all legs. */
  readonly filled_qty: number;
  /** It is being canceled: an exit, as a rule, waits for its end. */
  readonly is_awaited: boolean;
}

export interface OrderEvent {
  readonly order: Pick<OrderTerms, 'intent_id'>;
  readonly at: EasternUs;
  readonly state: OrderState;
  readonly venueOrderId?: string | null;
  /** Contracts or combinations sent; of `submitted` only. */
  readonly qty?: number | null;
  readonly detail?: string | null;
}

export interface HeldPosition {
  readonly symbol: OsiSymbol;
  /** Negative when short. */
  readonly qty: number;
}

export interface OrderRecords {
  /** Of the writes that follow. */
  epoch(): number | null;
  /** Takes the account over: whoever held it before can write no more. */
  takeFence(holder: string, at: EasternUs): Promise<number>;
  /** False if another process has taken the account over since. */
  holdsFence(): Promise<boolean>;
  /** Writes under the epoch of whoever sends orders now. False where nobody ever did. */
  followFence(): Promise<boolean>;
  /** `seenAt` is performance.now() of the look: it may have waited for the database. */
  work(at: () => EasternUs): Promise<{ readonly items: readonly WorkItem[]; readonly seenAt: number }>;
  drop(order: { intent_id: number }, at: EasternUs, verdict: Verdict): Promise<void>;
  /** `isNew` is false where it was in that state already; `attempt` above 1 says that the database was lost meanwhile. */
  event(event: OrderEvent, alert?: Alert): Promise<{ readonly isNew: boolean; readonly attempt: number }>;
  /** True if an event of the order names that id of the broker's. */
  knowsOrder(order: { intent_id: number }, venueOrderId: string): Promise<boolean>;
  /** Keeps what the broker said of the order before it was sent. */
  preview(order: { intent_id: number }, at: EasternUs, preview: unknown): Promise<void>;
  /** False where the fill was known. */
  fill(order: { intent_id: number }, fill: BrokerFill): Promise<boolean>;
  openOrders(at: EasternUs): Promise<readonly OpenOrder[]>;
  openPositions(): Promise<readonly HeldPosition[]>;
  /** Broker's ids of orders that are ours. */
  knownOrders(from: EasternUs): Promise<ReadonlySet<string>>;
  /** Halts entries and alerts, once while the same reason stands. */
  halt(at: EasternUs, reason: string): Promise<void>;
  /** What the account's live runs trade. */
  scope(): Promise<TradedScope>;
  storePositions(at: EasternUs, positions: readonly BrokerPosition[]): Promise<void>;
  noteReconciled(at: EasternUs, isOk: boolean, detail: string): Promise<void>;
  alert(alert: Alert): Promise<void>;
}

export interface Verdict {
  readonly state: 'denied' | 'canceled';
  readonly reason: string;
  readonly alert?: Alert;
}

const SCOPE_SQL = `
  select distinct r.params ->> 'underlying' as underlying, r.params ->> 'option_root' as option_root
  from trade.runs r
  where r.account = $1 and r.mode = 'live' and r.broker <> 'paper'`;

const KNOWS_SQL = `
  select exists (
    select from trade.order_events e where e.intent_id = $1 and e.venue_order_id = $2
  ) as is_known`;

const PREVIEW_SQL = `
  insert into trade.order_previews (intent_id, ts, preview) values ($1, $2, $3)
  on conflict on constraint order_previews_pk do nothing`;

const FENCE_LOST = 'SB010';
const OVERFILLED = 'SB011';
const FORBIDDEN_TRANSITION = 'SB005';

/** True if another process has taken the account over. */
export function isFenceLost(error: unknown): boolean {
  return codeOf(error) === FENCE_LOST;
}

/** True if more would be filled than was ordered. */
export function isOverfilled(error: unknown): boolean {
  return codeOf(error) === OVERFILLED;
}

/** True if the order stands where it cannot get to that state any more: somebody else recorded more. */
export function isOvertaken(error: unknown): boolean {
  return codeOf(error) === FORBIDDEN_TRANSITION;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

type Row = Readonly<Record<string, unknown>>;
type Query = (
  client: pg.ClientBase,
  name: string,
  text: string,
  values: readonly unknown[],
) => Promise<Row[]>;

const query: Query = async (client, name, text, values) => {
  const { rows } = await client.query<Row>({ name: `orders ${name}`, text, values: [...values] });
  return rows;
};

/** The records of an account, over a connection of role job_runner. */
export function orderRecords(connection: LastingConnection, account: string): OrderRecords {
  let epoch: number | null = null;
  const ask = (name: string, text: string, values: readonly unknown[]): Promise<Row[]> =>
    connection.run((client) => query(client, name, text, values));
  const latestEpoch = async (): Promise<number | null> => {
    const [row] = await ask('epoch', 'select epoch from trade.fences where account = $1', [account]);
    return (row?.epoch as number | undefined) ?? null;
  };
  /** With the alert in the same transaction: it is told if and only if the fact is stored. */
  const tell = (name: string, text: string, values: readonly unknown[], alert?: Alert): Promise<Written> =>
    connection.run(async (client, attempt) => {
      if (alert === undefined) return { rows: await query(client, name, text, values), attempt };
      const rows = await inTransaction(client, async () => {
        const found = await query(client, name, text, values);
        await raiseAlert(client, alert);
        return found;
      });
      return { rows, attempt };
    });

  return {
    epoch: () => epoch,
    takeFence: async (holder, at) => {
      const values = [account, holder, formatEastern(at)];
      const [row] = await ask('fence', 'select trade.take_fence($1, $2, $3) as epoch', values);
      epoch = row?.epoch as number;
      return epoch;
    },
    holdsFence: async () => (await latestEpoch()) === epoch,
    followFence: async () => {
      epoch = await latestEpoch();
      return epoch !== null;
    },
    work: (at) =>
      connection.run(async (client) => {
        const seenAt = performance.now();
        const values = [account, formatEastern(at())];
        const rows = await query(client, 'work', 'select * from trade.order_work($1, $2)', values);
        return { items: rows as unknown as WorkItem[], seenAt };
      }),
    drop: async ({ intent_id }, at, { state, reason, alert }) => {
      const values = [intent_id, epoch, formatEastern(at), state, reason];
      await tell('drop', 'select trade.drop_order($1, $2, $3, $4, $5)', values, alert);
    },
    event: async ({ order, at, state, venueOrderId = null, qty = null, detail = null }, alert) => {
      const values = [order.intent_id, epoch, formatEastern(at), state, venueOrderId, qty, detail];
      const text = 'select trade.record_order_event($1, $2, $3, $4, $5, $6, $7) as is_new';
      const { rows, attempt } = await tell('event', text, values, alert);
      return { isNew: rows[0]?.is_new === true, attempt };
    },
    knowsOrder: async ({ intent_id }, venueOrderId) =>
      (await ask('knows', KNOWS_SQL, [intent_id, venueOrderId]))[0]?.is_known === true,
    preview: async ({ intent_id }, at, preview) => {
      const values = [intent_id, formatEastern(at), JSON.stringify(preview)];
      await ask('preview', PREVIEW_SQL, values);
    },
    fill: async ({ intent_id }, { executionId, ts, legNo, qty, px_e4 }) => {
      const values = [intent_id, epoch, executionId, formatEastern(ts), legNo, qty, px_e4];
      const text = 'select trade.record_fill($1, $2, $3, $4, $5, $6, $7) as is_new';
      return (await ask('fill', text, values))[0]?.is_new === true;
    },
    openOrders: async (at) => {
      const rows = await ask('open', 'select * from trade.open_orders($1, $2)', [account, formatEastern(at)]);
      return rows.map(openOrderOf);
    },
    openPositions: async () => {
      const rows = await ask('held', 'select symbol, qty from trade.open_positions($1)', [account]);
      return rows as unknown as HeldPosition[];
    },
    knownOrders: async (from) => {
      const text = 'select venue_order_id from trade.known_orders($1, $2)';
      const rows = await ask('known', text, [account, formatEastern(from)]);
      return new Set(rows.map((row) => row.venue_order_id as string));
    },
    halt: async (at, reason) => {
      await ask('halt', 'select trade.halt($1, $2, $3)', [account, formatEastern(at), reason]);
    },
    scope: async () => {
      const rows = await ask('scope', SCOPE_SQL, [account]);
      return {
        underlyings: new Set(rows.map((row) => row.underlying as string)),
        roots: new Set(rows.map((row) => row.option_root as string)),
      };
    },
    storePositions: async (at, positions) => {
      const rows = positions.map(({ symbol, qty, avg_px_e4, market_value }) => ({
        symbol,
        qty,
        avg_px_e4,
        market_value,
      }));
      const values = [account, formatEastern(at), JSON.stringify(rows)];
      await ask('positions', 'select trade.store_positions($1, $2, $3)', values);
    },
    noteReconciled: async (at, isOk, detail) => {
      const values = [account, formatEastern(at), isOk, detail];
      await ask('reconciled', 'select trade.note_reconciled($1, $2, $3, $4)', values);
    },
    alert: (alert) => connection.run((client) => raiseAlert(client, alert)),
  };
}

interface Written {
  readonly rows: readonly Row[];
  readonly attempt: number;
}

function openOrderOf(row: Row): OpenOrder {
  return {
    ...(row as unknown as OpenOrder),
    ts_state: parseEastern(row.ts_state as string) as EasternUs,
    ts_submitted: parseEastern(row.ts_submitted as string) as EasternUs,
  };
}
