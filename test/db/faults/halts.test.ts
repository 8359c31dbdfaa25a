// The kill switch thrown in every state of a trade: no entry any more, what works of one is canceled, exits go on.
import { describe, expect, it } from 'vitest';
import { submitOrders } from '../../../jobs/submit_orders.ts';
import { noteFault } from '../../fault_notes.ts';
import { eventually } from '../../harness.ts';
import {
  createWorld,
  ENTRY,
  goOn,
  type Jobs,
  openJobs,
  openPosition,
  PUT,
  send,
  type World,
} from '../orders/world.ts';
import { useBench } from '../support/connections.ts';
import type { QuoteSpec } from '../support/scenario.ts';

const bench = useBench();
const STOP: QuoteSpec = ['P600', '10:06', 2.0, 2.05];
const SIDES = { '10:05': 1, '10:07': -1, '10:08': 1 } as const;
const QUOTES: QuoteSpec[] = [ENTRY, STOP, ['P600', '10:08', 1.0, 1.02], ['C600', '10:07', 1.0, 1.02]];

/** As an operator does it: a row. */
async function halt({ pool, account }: World): Promise<void> {
  const sql =
    "insert into trade.controls (ts, account, halted, reason) values ('2026-06-17 10:05', $1, true, 'by hand')";
  await pool.query(sql, [account]);
}

/** A world in which the entry of 10:05 was sent, and answered in a way. */
async function withSent(plan: World['venue']['levers']['submit']): Promise<{ world: World; jobs: Jobs }> {
  const world = await createWorld(bench, { sides: SIDES, quotes: QUOTES });
  const jobs = await openJobs(world);
  world.moveTo('10:05:00.2');
  await world.slice();
  world.venue.levers.submit = plan;
  await jobs.submitter.step();
  if (!plan.startsWith('held')) await jobs.submitter.settled();
  else await eventually(() => expect(world.venue.requests.submit).toBe(1));
  world.venue.levers.submit = 'accept';
  return { world, jobs };
}

const STATES: Readonly<Record<string, () => Promise<{ world: World; jobs: Jobs }>>> = {
  'nothing is open': async () => {
    const world = await createWorld(bench, { sides: SIDES, quotes: QUOTES });
    return { world, jobs: await openJobs(world) };
  },
  'an entry is decided': async () => {
    const world = await createWorld(bench, { sides: SIDES, quotes: QUOTES });
    const jobs = await openJobs(world);
    world.moveTo('10:05:00.2');
    await world.slice();
    return { world, jobs };
  },
  'an entry is on its way': () => withSent('held_placed'),
  'an entry is of unknown fate': () => withSent('silent_placed'),
  'an entry works': () => withSent('accept'),
  'an entry has filled in part': async () => {
    const { world, jobs } = await withSent('accept');
    world.venue.fill(world.venue.orders[0]?.id ?? '', 7);
    return { world, jobs };
  },
  'a position is open': async () => {
    const world = await createWorld(bench, { sides: SIDES, quotes: QUOTES });
    return { world, jobs: await openPosition(world) };
  },
  'an exit is decided': async () => {
    const world = await createWorld(bench, { sides: SIDES, quotes: QUOTES });
    const jobs = await openPosition(world);
    world.moveTo('10:06:00.1');
    await world.slice();
    return { world, jobs };
  },
};

function stateOf(name: string): Promise<{ world: World; jobs: Jobs }> {
  const make = STATES[name];
  if (make === undefined) throw new Error(`no state ${name}`);
  return make();
}

describe('the kill switch, while', () => {
  it.each(Object.keys(STATES))('%s: no entry any more, and every contract is brought home', async (state) => {
    const { world, jobs } = await stateOf(state);
    await halt(world);
    const sentBefore = world.venue.submitted.length;
    world.venue.release();
    await jobs.submitter.settled();
    await goOn(world, jobs, 3000);
    const entries = world.venue.orders.filter(({ order }) => order.legs[0]?.effect === 'open');
    expect(entries.filter(({ state: of }) => of === 'working')).toEqual([]);
    // The stop of 10:06 is reached, later signals come: what is open is left, nothing is entered.
    for (const time of ['10:06:00.2', '10:07:00.2', '10:08:00.2']) {
      if (world.now() < world.scenario.at(time)) world.moveTo(time);
      await goOn(world, jobs, 3000);
      world.venue.fillAll();
      await goOn(world, jobs, 1000);
    }
    const later = world.venue.orders
      .slice(sentBefore)
      .filter(({ order }) => order.legs[0]?.effect === 'open');
    expect(later).toEqual([]);
    expect(world.venue.positionOf(PUT)).toBe(0);
    expect(await world.held()).toEqual({});
  });

  it('its loop sleeps: an entry that works is canceled within a tenth of a second', async () => {
    const world = await createWorld(bench, { speed: 1, settings: { entry_valid_ms: 60_000 } });
    const reconciler = await world.openReconciler();
    await reconciler.pass();
    const ending = new AbortController();
    const { url, account, clock } = world;
    const { broker } = world.venue;
    const loop = submitOrders({ url, account, broker, clock, signal: ending.signal });
    try {
      await eventually(async () => {
        const { rows } = await world.pool.query('select 1 from trade.fences where account = $1', [account]);
        expect(rows).toHaveLength(1);
      });
      world.moveTo('10:05:00.1');
      await reconciler.pass();
      await world.slice();
      await eventually(() => expect(world.venue.working()).toHaveLength(1));
      await halt(world);
      const halted = performance.now();
      await eventually(() => expect(world.venue.requests.cancel).toBe(1), { timeoutMs: 3000 });
      noteFault({ recoveryMs: performance.now() - halted });
    } finally {
      ending.abort();
      await loop;
    }
  });

  it('the database is away: nothing is entered, for nobody can say that it may be', async () => {
    const world = await createWorld(bench, { sides: SIDES, quotes: QUOTES });
    const jobs = await openJobs(world);
    world.moveTo('10:05:00.2');
    await world.slice();
    await world.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'strikebase %' || $1 || ' process %'",
      [world.account],
    );
    await halt(world);
    await send(jobs);
    await goOn(world, jobs, 2000);
    expect(world.venue.submitted).toEqual([]);
  });
});
