// What the tests of accounts ask and do.
import { type Any, type Bench, CALL, quote, single } from './support.ts';

/** GET /accounts/{hash}. */
export async function account(at: Bench, query = '?fields=positions'): Promise<Any> {
  return (await at.call('GET', `/accounts/${at.hash}${query}`)).json;
}

/** Sells calls to open at the bid of 1.25, with the underlying at 610.12; returns the order's id. */
export async function sellCall(at: Bench, quantity = 1): Promise<number> {
  quote(at.simulator, 'QQQ', 610.11, 610.13, 300);
  quote(at.simulator, CALL, 1.25, 1.27);
  return at.place(single('SELL_TO_OPEN', quantity, '1.25'));
}

/** Transactions of these types from Friday to Monday. */
export async function transactions(at: Bench, types: string): Promise<readonly Record<string, unknown>[]> {
  const query = `startDate=2026-11-20T00:00:00.000Z&endDate=2026-11-23T00:00:00.000Z&types=${types}`;
  return (await at.call('GET', `/accounts/${at.hash}/transactions?${query}`)).json;
}
