// Whatever a broker, the network and our own processes do: no order too many, every position managed, and all flat at the end.
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../../db/pool.ts';
import {
  CHAOS_SIDES,
  calm,
  chaosQuotes,
  happen,
  type Mishap,
  mishaps,
  nextTime,
  wrongs,
} from '../support/broker_chaos.ts';
import { useBench } from '../support/connections.ts';
import { type Desk, later, openDesk, slotsOf } from '../support/desk.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';

const bench = useBench();
const SEEDS = Number(process.env.CHAOS_SEEDS ?? 25);
// The forced flat is at 10:20.
const SETTINGS = { back_buffer_min: 340, max_orders_per_minute: 1000, max_orders_per_day: 10_000 };
const CASES = [
  ['one slot, reversals', { ...SETTINGS, reversal_valid_ms: 15_000 }],
  ['two slots, no reversals', { ...SETTINGS, slots: 2, exit_on_reverse: false }],
] as const;
let scenario: Scenario;
let clients: readonly pg.Client[] = [];

beforeAll(async () => {
  scenario = await createScenario(bench.owner(), {
    sides: CHAOS_SIDES,
    quotes: chaosQuotes(),
    until: '10:21',
  });
  clients = await Promise.all(
    CASES.map(([name]) => connect({ url: bench.database.url(), role: 'job_runner', name })),
  );
});
afterAll(() => Promise.all(clients.map((client) => client.end())));

/** What the broker's ledger and ours hold, by contract. */
async function ledgers(client: pg.Client, d: Desk): Promise<{ ours: object; theirs: object }> {
  const { rows } = await client.query<{ id: string; qty: number }>(
    'select f.execution_id as id, f.qty from trade.fills f where f.account = $1',
    [d.account],
  );
  const theirs = [...d.venue.orders.values()].flatMap(({ fills }) => fills.map(({ id, qty }) => [id, qty]));
  return {
    ours: Object.fromEntries(rows.map(({ id, qty }) => [id, qty])),
    theirs: Object.fromEntries(theirs),
  };
}

async function play(client: pg.Client, settings: object, plan: readonly Mishap[]): Promise<void> {
  const d = await openDesk(scenario, { client, settings: { ...settings } });
  let time = '10:05:01';
  for (const mishap of plan) {
    await d.to(time);
    expect(await wrongs(client, d, time)).toEqual([]);
    expect(await d.look(time)).toEqual(await d.look(time));
    await happen(d, mishap, later(time, 10));
    time = nextTime(time, mishap);
  }
  const end = await calm(d, time > '10:20:00' ? time : '10:20:00', 40);
  expect(await wrongs(client, d, end)).toEqual([]);
  expect(new Set(await slotsOf(client, d))).toEqual(new Set([null]));
  const { ours, theirs } = await ledgers(client, d);
  expect(ours).toEqual(theirs);
  const { rows } = await client.query(
    `select o.purpose, o.attempt, o.state from trade.orders o join trade.runs r using (run_id)
     where r.account = $1 and not trade.is_over(o.state)
     union all select symbol, qty, 'held' from trade.open_positions($1)`,
    [d.account],
  );
  expect(rows).toEqual([]);
}

test.concurrent.each(CASES.map((each, n) => [...each, n] as const))(
  `${SEEDS} days of disorder with %s`,
  async (_, settings, n) => {
    const client = clients[n] as pg.Client;
    await fc.assert(
      fc.asyncProperty(mishaps(), (plan) => play(client, settings, plan)),
      { numRuns: SEEDS, seed: 20_260_617 + n, endOnFailure: true },
    );
  },
  300_000,
);
