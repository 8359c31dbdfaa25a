// Our fills against the books of the simulated broker: order by order, contract by contract.
import type pg from 'pg';
import type { Ledger } from '../sim/venue/ledger.ts';

export interface LedgerCheck {
  readonly orders: number;
  /** Of both sides together. */
  readonly contracts: number;
  /** What differs, in words; empty when the books agree. */
  readonly differences: readonly string[];
}

interface Sum {
  /** Contracts, negative when sold. */
  qty: number;
  contracts: number;
  /** Contracts x price: cash in 1/10,000 dollar before the multiplier. */
  value_e4: number;
}

const FILLS_SQL = `
  select o.venue_order_id, i.symbol, sum(case f.side when 'buy' then f.qty else -f.qty end)::integer as qty,
    sum(f.qty)::integer as contracts, sum(f.qty * f.px_e4::bigint)::bigint as value_e4
  from trade.fills f
  join trade.orders o on o.intent_id = f.intent_id
  join ref.instruments i on i.instrument_id = f.instrument_id
  where f.account = $1
  group by 1, 2`;

/** Compares all fills of an account (job_runner) with what the broker has booked. */
export async function checkLedger(
  client: pg.ClientBase | pg.Pool,
  account: string,
  ledger: Ledger,
): Promise<LedgerCheck> {
  const { rows } = await client.query<{ venue_order_id: string; symbol: string } & Sum>(FILLS_SQL, [account]);
  const ours = new Map(rows.map((row) => [`${row.venue_order_id} ${row.symbol}`, row as Sum]));
  const theirs = new Map<string, Sum>();
  for (const { orderId, symbol, qty, px_e4 } of ledger.postings()) {
    const key = `${orderId} ${symbol}`;
    const sum = theirs.get(key) ?? { qty: 0, contracts: 0, value_e4: 0 };
    sum.qty += qty;
    sum.contracts += Math.abs(qty);
    sum.value_e4 += Math.abs(qty) * px_e4;
    theirs.set(key, sum);
  }
  const keys = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
  const differences = keys.flatMap((key) => {
    const [mine, broker] = [textOf(ours.get(key)), textOf(theirs.get(key))];
    return mine === broker ? [] : [`order ${key}: ${mine} by our fills, ${broker} by the broker's books`];
  });
  const contracts = [...theirs.values()].reduce((sum, each) => sum + each.contracts, 0);
  return { orders: ledger.orders().length, contracts, differences };
}

function textOf(sum: Sum | undefined): string {
  return sum === undefined ? 'nothing' : `${sum.qty} for ${sum.value_e4 / 10_000}`;
}
