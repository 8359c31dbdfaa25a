// What a broker run remembers is in rows: new connections, new runs and other slices make the same orders.
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../../db/pool.ts';
import { useBench } from '../support/connections.ts';
import { type Desk, later, openDesk, ordersOf, slotsOf } from '../support/desk.ts';
import { differences, dumpOf, NO_DIFFERENCES } from '../support/runs.ts';
import { createScenario, type QuoteSpec, type Scenario } from '../support/scenario.ts';

const bench = useBench();
const QUOTES: QuoteSpec[] = [
  ['P600', '10:05', 1.0, 1.02],
  ['P600', '10:10', 1.2, 1.22],
  ['C600', '10:10', 0.9, 0.92],
  ['C600', '10:12', 1.9, 1.95],
  ['P600', '10:14', 1.0, 1.02],
];
let scenario: Scenario;
let clients: readonly pg.Client[] = [];

beforeAll(async () => {
  const sides = { '10:05': 1, '10:10': -1, '10:14': 1 } as const;
  scenario = await createScenario(bench.owner(), { sides, quotes: QUOTES, until: '10:20' });
  const names = Array.from({ length: 4 }, (_, n) => `process ${n}`);
  clients = await Promise.all(
    names.map((name) => connect({ url: bench.database.url(), role: 'job_runner', name })),
  );
});
afterAll(() => Promise.all(clients.map((client) => client.end())));

type Step = readonly [time: string, act: (d: Desk, time: string) => Promise<unknown>];
const work: Step[1] = (d, time) => d.work(time);
const report: Step[1] = (d, time) => d.report(time);
const fill =
  (purpose: 'entry' | 'exit' | 'protect', qty: number, px: number): Step[1] =>
  async (d, time) =>
    d.fill(purpose, qty, px, time.slice(0, 8));

/** Partial entry, stop at the broker, reversal with a partial close, an unknown order, a stop, a forced flat. */
const STEPS: readonly Step[] = [
  ['10:05:01', work],
  ['10:05:02', fill('entry', 15, 1.0)],
  ['10:05:03', report],
  ['10:05:06.1', work],
  ['10:05:07', report],
  ['10:05:07.5', work],
  ['10:10:00.1', work],
  ['10:10:00.6', report],
  ['10:10:00.8', work],
  ['10:10:01', fill('exit', 5, 1.22)],
  ['10:10:01.5', report],
  ['10:10:02.1', work],
  ['10:10:02.5', report],
  ['10:10:02.7', work],
  ['10:10:03', fill('exit', 10, 1.24)],
  ['10:10:03.5', report],
  ['10:10:03.7', (d, time) => d.work(time, 'placed')],
  ['10:10:04', fill('entry', 25, 0.9)],
  ['10:10:20', (d, time) => d.settle(time)],
  ['10:10:21', report],
  ['10:10:22', (d, time) => d.work(time, 'rejected')],
  ['10:10:25', work],
  ['10:12:01', work],
  ['10:12:02', report],
  ['10:12:03', (d, time) => d.work(time, 'dead')],
  ['10:12:04', (d, time) => d.restart(time)],
  ['10:12:20', (d, time) => d.settle(time)],
  ['10:12:21', work],
  ['10:12:22', fill('exit', 25, 1.97)],
  ['10:12:23', report],
  ['10:14:01', work],
  ['10:14:02', fill('entry', 25, 1.0)],
  ['10:14:03', report],
  ['10:14:04', work],
  ['15:30:00.1', (d, time) => d.work(time, 'accepted', () => false)],
  ['15:30:01', fill('protect', 25, 4.1)],
  ['15:30:02', report],
  ['15:30:03', work],
];

/** Goes through the steps with a slice before each; `between` may do something to the desk first. */
async function play(between: (d: Desk, time: string, n: number) => Promise<unknown>): Promise<Desk> {
  const d = await openDesk(scenario, { client: bench.runner(), settings: { entry_valid_ms: 5000 } });
  for (const [n, [time, act]] of STEPS.entries()) {
    await between(d, time, n);
    await d.to(later(time, -1));
    await act(d, time);
  }
  await d.to('15:30:04');
  expect(d.refused).toEqual([]);
  expect(await slotsOf(bench.owner(), d)).toEqual([null]);
  return d;
}

/** What the run has written, the account's name left out. */
const dump = async (d: Desk): Promise<string[]> =>
  (await dumpOf(d.run())).map((line) => line.replaceAll(d.account, 'desk'));

const nothing = async (): Promise<void> => undefined;

test('the day of orders is what it is meant to be', async () => {
  expect(await ordersOf(bench.owner(), await play(nothing))).toEqual([
    'entry#1 sell 25 P600 limit 1.00 canceled 15',
    'protect#2 buy 15 P600 stop 4.00 canceled',
    'exit#1 buy 15 P600 limit 1.22 canceled 5',
    'entry#1 sell 25 C600 limit 0.90 filled 25',
    'exit#2 buy 10 P600 limit 1.24 filled 10',
    'protect#2 buy 25 C600 stop 3.60 rejected',
    'protect#3 buy 25 C600 stop 3.60 canceled',
    'exit#1 buy 25 C600 limit 1.95 canceled',
    'exit#2 buy 25 C600 limit 1.97 canceled',
    'exit#3 buy 25 C600 limit 1.99 canceled',
    'exit#4 buy 25 C600 limit 2.01 canceled',
    'exit#5 buy 25 C600 limit 2.03 canceled',
    'exit#6 buy 25 C600 market filled 25',
    'entry#1 sell 25 P600 limit 1.00 filled 25',
    'protect#2 buy 25 P600 stop 4.00 filled 25',
    'exit#1 buy 25 P600 limit 1.02 canceled',
  ]);
});

test('a new process for every slice writes the same rows', async () => {
  const first = await play(nothing);
  const second = await play(async (d, _, n) => d.attach(clients[n % clients.length] as pg.Client));
  expect(differences(await dump(first), await dump(second))).toEqual(NO_DIFFERENCES);
});

test('a new run at every step, as after a new version, goes on with the same orders', async () => {
  const expected = await ordersOf(bench.owner(), await play(nothing));
  const replaced = await play(async (d, _, n) => {
    const [before] = STEPS[n - 1] ?? ['10:04:59'];
    if (n > 0) await d.replaceRun(later(before, -1));
  });
  expect(await ordersOf(bench.owner(), replaced)).toEqual(expected);
});

test('more slices between the same facts write no order more', async () => {
  const expected = await ordersOf(bench.owner(), await play(nothing));
  const sliced = await play(async (d, time) => {
    for (const ms of [-5000, -1900, -700, -300, -50]) await d.to(later(time, ms));
  });
  expect(await ordersOf(bench.owner(), sliced)).toEqual(expected);
});

test('a slice that is rolled back is done again, the same', async () => {
  const first = await play(nothing);
  const second = await play(async (d, time) => {
    await d.run().client.query('begin isolation level repeatable read');
    await d.run().client.query('select trade.advance($1, $2, $2)', [d.run().id, d.at(time)]);
    await d.run().client.query('rollback');
  });
  expect(differences(await dump(first), await dump(second))).toEqual(NO_DIFFERENCES);
});
