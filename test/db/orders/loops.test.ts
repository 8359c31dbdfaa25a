// Both jobs as loops in running time: hints, the end of a process, and a database that goes away under them.
import type pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Failure } from '../../../core/failure.ts';
import { reconcileOrders } from '../../../jobs/reconcile_orders.ts';
import { submitOrders } from '../../../jobs/submit_orders.ts';
import { eventually } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { type Cable, layCable } from './cable.ts';
import { createWorld, type World } from './world.ts';

const bench = useBench();
const cables: Cable[] = [];
const running: { readonly ending: AbortController; readonly done: Promise<unknown> }[] = [];

afterEach(async () => {
  for (const { ending } of running) ending.abort();
  await Promise.allSettled(running.splice(0).map(({ done }) => done));
  await Promise.all(cables.splice(0).map((cable) => cable.remove()));
});

interface Running {
  readonly done: Promise<void>;
  stop(): void;
}

function start(job: (signal: AbortSignal) => Promise<void>): Running {
  const ending = new AbortController();
  const done = job(ending.signal);
  done.catch(() => undefined);
  running.push({ ending, done });
  return { done, stop: () => ending.abort() };
}

/** A world in running time, reconciled, in which the entry of 10:05 is due; `pollMs` is of the submit job. */
async function startWorld(pollMs = 50): Promise<{ world: World; submit: Running; cable: Cable }> {
  const world = await createWorld(bench, {
    speed: 1,
    // A busy machine is not what is tested here.
    settings: { entry_valid_ms: 60_000 },
  });
  const { url, account, clock } = world;
  const { broker } = world.venue;
  const cable = await layCable(url);
  cables.push(cable);
  const submit = start((signal) => submitOrders({ url: cable.url, account, broker, clock, signal, pollMs }));
  start((signal) => reconcileOrders({ url, account, broker, clock, signal }));
  await eventually(async () => {
    const { rows } = await world.pool.query(
      `select 1 from trade.reconciliations r join trade.fences f using (account) where r.account = $1 and r.is_ok`,
      [account],
    );
    expect(rows).toHaveLength(1);
  });
  return { world, submit, cable };
}

/** The period of 10:05 closes. */
async function decide(world: World): Promise<void> {
  if (world.now() < world.scenario.at('10:05:00')) world.moveTo('10:05:00.1');
  await world.slice();
  await world.pool.query("select pg_notify('strikebase_orders', $1)", [world.account]);
}

/** The backends of the submit job. */
async function backendsOf(world: World): Promise<number[]> {
  const { rows } = await world.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where application_name like $1',
    [`strikebase orders ${world.account} %`],
  );
  return rows.map((row) => row.pid);
}

async function strike(world: World, pids: readonly number[]): Promise<void> {
  await world.pool.query('select pg_terminate_backend(p, 5000) from unnest($1::integer[]) p', [pids]);
}

describe('the loops', () => {
  it('take an entry to its stop at the broker by themselves', async () => {
    const { world } = await startWorld();
    await decide(world);
    await eventually(() => expect(world.venue.working()).toHaveLength(1));
    world.venue.fillAll();
    world.venue.hint();
    await eventually(async () => expect(await world.orders()).toEqual(['entry#1 filled 25/25']));
    await decide(world);
    await eventually(async () => expect((await world.orders()).at(-1)).toBe('protect#2 accepted 0/25'));
  });

  it('are woken by a hint: nobody waits for the next look', async () => {
    const { world } = await startWorld(600_000);
    await decide(world);
    await eventually(() => expect(world.venue.requests.submit).toBe(1), { timeoutMs: 2000 });
  });

  it('write their signs of life', async () => {
    const { world } = await startWorld();
    const names = [`orders-${world.account}`, `reconcile-${world.account}`];
    await eventually(async () => {
      const { rows } = await world.pool.query<{ process: string }>(
        'select process from ops.heartbeats where process = any($1) order by 1',
        [names],
      );
      expect(rows.map((row) => row.process)).toEqual(names);
    });
  });
});

describe('a submit job that is told to end', () => {
  it('waits for the answer under way, and records it', async () => {
    const { world, submit } = await startWorld();
    world.venue.levers.submit = 'held_placed';
    await decide(world);
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    submit.stop();
    await world.pool.query('select pg_sleep(0.2)');
    world.venue.release();
    await submit.done;
    expect(await world.orders()).toEqual(['entry#1 accepted 0/25']);
  });

  it('ends after four seconds without an answer, and leaves the order unknown', async () => {
    const { world, submit } = await startWorld();
    world.venue.levers.submit = 'held_placed';
    await decide(world);
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    const began = performance.now();
    submit.stop();
    await submit.done;
    expect(performance.now() - began).toBeGreaterThan(3900);
    await eventually(async () =>
      expect((await world.states('entry')).slice(0, 2)).toEqual(['submitted', 'unknown']),
    );
    // What comes after that is heard by nobody; the one who reconciles finds the order.
    world.venue.release();
    await eventually(async () => expect(await world.orders()).toEqual(['entry#1 accepted 0/25']));
  });

  it('begins nothing more', async () => {
    const { world, submit } = await startWorld();
    submit.stop();
    await submit.done;
    await decide(world);
    await world.pool.query('select pg_sleep(0.2)');
    expect(world.venue.requests.submit).toBeUndefined();
  });

  it('does not wait for a database that is away', async () => {
    const { world, submit, cable } = await startWorld();
    world.venue.levers.submit = 'held_placed';
    await decide(world);
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    await cable.pull();
    submit.stop();
    await submit.done;
    expect(await world.orders()).toEqual(['entry#1 submitted 0/25']);
    world.venue.release();
  });
});

describe('a database that goes away', () => {
  it('while an answer is under way: it is recorded when the database is back', async () => {
    const { world } = await startWorld();
    world.venue.levers.submit = 'held_placed';
    await decide(world);
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    await strike(world, await backendsOf(world));
    world.venue.release();
    await eventually(async () => expect(await world.orders()).toEqual(['entry#1 accepted 0/25']));
    expect(world.venue.requests.submit).toBe(1);
    expect(await world.states('entry')).toEqual(['submitted', 'accepted']);
  });

  it('is waited for: nothing is sent meanwhile, what was decided goes out when it is back', async () => {
    const { world, cable } = await startWorld();
    await cable.pull();
    await decide(world);
    await world.pool.query('select pg_sleep(0.5)');
    expect(world.venue.requests.submit).toBeUndefined();
    await cable.plug();
    await eventually(async () => expect(await world.orders()).toEqual(['entry#1 accepted 0/25']));
  });

  it('while the answer comes: it is kept, and recorded when the database is back', async () => {
    const { world, cable } = await startWorld();
    world.venue.levers.submit = 'held_placed';
    await decide(world);
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    await cable.pull();
    world.venue.release();
    await world.pool.query('select pg_sleep(0.5)');
    expect(await world.orders()).toEqual(['entry#1 submitted 0/25']);
    await cable.plug();
    await eventually(async () => expect(await world.orders()).toEqual(['entry#1 accepted 0/25']));
    expect(world.venue.requests.submit).toBe(1);
  });

  it('while an order is being committed: it is not sent, for nobody knows how long that was', async () => {
    const { world } = await startWorld();
    const blocker = await bench.database.pool().connect();
    try {
      await blocker.query('begin');
      await blocker.query('select 1 from trade.fences where account = $1 for update', [world.account]);
      await decide(world);
      const waiting = await eventually(async () => {
        const { rows } = await world.pool.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name like $1 and wait_event_type = 'Lock'`,
          [`strikebase orders ${world.account} %`],
        );
        expect(rows).toHaveLength(1);
        return rows.map((row) => row.pid);
      });
      await strike(world, waiting);
    } finally {
      await blocker.query('rollback');
      blocker.release();
    }
    await eventually(async () => expect(await world.orders()).toEqual(['entry#1 canceled 0/25']));
    expect(world.venue.requests.submit).toBeUndefined();
    expect(await world.alerts()).toEqual(['order not sent']);
  });

  it('and another process has the lock when it is back: this one ends, and says who', async () => {
    const { world, submit } = await startWorld();
    const thief = await connectThief(world);
    try {
      const taking = thief.query("select pg_advisory_lock(hashtextextended('trade.orders ' || $1, 0))", [
        world.account,
      ]);
      await strike(world, await backendsOf(world));
      await taking;
      await thief.query("select trade.take_fence($1, 'thief', '2026-06-17 10:05')", [world.account]);
      await thief.query('select pg_advisory_unlock_all()');
      await expect(submit.done).rejects.toBeInstanceOf(Failure);
    } finally {
      thief.release();
    }
  });
});

async function connectThief(world: World): Promise<pg.PoolClient> {
  const client = await world.pool.connect();
  await client.query("set application_name = 'thief'");
  return client;
}
