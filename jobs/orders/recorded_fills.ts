// The fills that are recorded of an order, for brokers that tell totals only: what is new is the difference.
import type pg from 'pg';
import { type EasternUs, parseEastern } from '../../core/eastern_time.ts';
import type { BrokerFill } from '../brokers/broker.ts';

const SQL = `
  select f.execution_id, f.ts::text as ts, f.leg_no, f.qty, f.px_e4
  from trade.fills f
  -- By the account as well: the sandbox and the account for money count their orders by themselves.
  where f.account = $2 and f.intent_id in (select e.intent_id from trade.order_events e where e.venue_order_id = $1)
  order by f.fill_id`;

interface Row {
  readonly execution_id: string;
  readonly ts: string;
  readonly leg_no: number;
  readonly qty: number;
  readonly px_e4: number;
}

/**
 * Reads those of an account by the broker's id of the order, over a connection of its own for each look: an order grows by a handful of fills,
 * and a connection that lies idle for hours is lost when it is needed.
 */
export function recordedFills(
  connect: () => Promise<pg.Client>,
  account: string,
): (venueOrderId: string) => Promise<readonly BrokerFill[]> {
  return async (venueOrderId) => {
    const client = await connect();
    try {
      const { rows } = await client.query<Row>(SQL, [venueOrderId, account]);
      return rows.map(({ execution_id, ts, leg_no, qty, px_e4 }) => ({
        ...{ executionId: execution_id, legNo: leg_no, qty, px_e4 },
        ts: parseEastern(ts) as EasternUs,
      }));
    } finally {
      await client.end();
    }
  };
}
