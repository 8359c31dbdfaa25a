// The simulated half-hour with its orders through the Schwab client over HTTP: the broker's books are ours, and it repeats itself.
import { beforeAll, describe, expect, it } from 'vitest';
import { checkLedger } from '../../cli/ledger_check.ts';
import type { SimulatedDesk } from '../../cli/simulated_desk.ts';
import { useDatabase } from '../harness.ts';
import { type Played, playShort, rowsOfRun } from './live_support.ts';

const database = useDatabase();
let desk: SimulatedDesk;
let first: Played;

async function play(name: string): Promise<{ played: Played; desk: SimulatedDesk }> {
  const started: { desk: SimulatedDesk | null } = { desk: null };
  const played = await playShort({
    ...{ url: database.url(), name, broker: 'schwab' },
    onStart: (parts) => {
      started.desk = parts.desk;
    },
  });
  return { played, desk: started.desk as SimulatedDesk };
}

beforeAll(async () => {
  const { played, desk: used } = await play('broker');
  first = played;
  desk = used;
}, 120_000);

describe('a simulated session at the simulated Schwab', () => {
  it('trades there, and the broker has booked what we have', async () => {
    const check = await checkLedger(database.pool(), first.account, desk.schwab.simulator.ledger);
    expect(check.differences).toEqual([]);
    expect(check.contracts).toBeGreaterThan(25);
    const { rows } = await database
      .pool()
      .query('select broker, mode, outcome from trade.runs where run_id = $1', [first.outcome.runId]);
    expect(rows[0]).toEqual({ broker: 'schwab', mode: 'live', outcome: 'stopped' });
  });

  it('fills nothing on paper, and orders nothing twice', async () => {
    const { rows } = await database.pool().query(
      `select count(*) filter (where f.execution_id !~ '^\\d+:\\d+$')::integer as own,
         count(*)::integer as fills,
         (select count(distinct o.venue_order_id)::integer from trade.orders o where o.run_id = $1) as orders
       from trade.fills f where f.run_id = $1`,
      [first.outcome.runId],
    );
    expect(rows[0].own).toBe(0);
    expect(rows[0].fills).toBeGreaterThan(1);
    expect(desk.schwab.simulator.ledger.orders()).toHaveLength(rows[0].orders);
  });

  it('protects every position by a stop that rests at the broker', async () => {
    const { rows } = await database.pool().query(
      `select count(*)::integer as bare
       from (select distinct f.position_id from trade.fills f where f.run_id = $1 and f.effect = 'open') p
       where not exists (
         select from trade.orders o
         where o.position_id = p.position_id and o.purpose in ('protect', 'exit') and o.venue_order_id is not null
       )`,
      [first.outcome.runId],
    );
    expect(rows[0].bare).toBe(0);
  });

  it('finds what differs', async () => {
    const { ledger } = desk.schwab.simulator;
    const [booked, ...others] = ledger.postings();
    const cooked = { ...ledger, postings: () => [{ ...booked, qty: (booked?.qty ?? 0) + 1 }, ...others] };
    const check = await checkLedger(database.pool(), first.account, cooked as typeof ledger);
    expect(check.differences).toHaveLength(1);
    expect(check.differences[0]).toMatch(/^order \d+ QQQ .*: -?\d+ for .* by our fills, /);
  });

  it('repeats itself with the same seed', { timeout: 120_000 }, async () => {
    const { played } = await play('broker-again');
    expect(await rowsOfRun(database.pool(), played.outcome.runId)).toEqual(
      await rowsOfRun(database.pool(), first.outcome.runId),
    );
  });
});
