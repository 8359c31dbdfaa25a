// The reconcile job on a real database: what became of orders, what was lost and found, and whose positions these are.
import { describe, expect, it } from 'vitest';
import { Failure } from '../../../core/failure.ts';
import type { BrokerOrder } from '../../../jobs/brokers/broker.ts';
import { eventually } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { contract } from '../support/market.ts';
import type { QuoteSpec } from '../support/scenario.ts';
import type { SubmitPlan } from './venue.ts';
import {
  createWorld,
  DATE,
  ENTRY,
  goOn,
  type Jobs,
  openJobs,
  openPosition,
  PUT,
  send,
  type World,
} from './world.ts';

const bench = useBench();
const STOP: QuoteSpec = ['P600', '10:06', 2.0, 2.05];
/** The entry as the rules send it. */
const SOLD: BrokerOrder = {
  legs: [{ symbol: PUT, side: 'sell', effect: 'open', ratio: 1 }],
  ...{ qty: 25, type: 'limit', isCredit: true, limit_px_e4: 10_000, stop_px_e4: null },
};

/** The entry has been sent, with that outcome; the clock stands at 10:05:00.2. */
async function withEntrySent(
  plan: SubmitPlan = 'accept',
  options: Parameters<typeof createWorld>[1] = {},
): Promise<{ world: World; jobs: Jobs }> {
  const world = await createWorld(bench, options);
  const jobs = await openJobs(world);
  world.moveTo('10:05:00.2');
  await world.slice();
  world.venue.levers.submit = plan;
  await jobs.submitter.step();
  if (plan.startsWith('held')) await eventually(() => expect(world.venue.requests.submit).toBe(1));
  else await jobs.submitter.settled();
  world.venue.levers.submit = 'accept';
  return { world, jobs };
}

/** Passes every quarter of a second, and nothing else. */
async function passes(world: World, { reconciler }: Pick<Jobs, 'reconciler'>, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    world.moveTo(250);
    await reconciler.pass();
  }
}

async function factsOf(world: World): Promise<unknown> {
  const { rows } = await world.pool.query(
    `select
       (select count(*)::integer from trade.order_events e where e.run_id = $1) as events,
       (select count(*)::integer from trade.fills f where f.run_id = $1) as fills,
       (select count(*)::integer from trade.controls c where c.account = $2) as controls,
       (select count(*)::integer from ops.alert_outbox) as alerts`,
    [world.run.id, world.account],
  );
  return rows[0];
}

async function verdicts(world: World): Promise<boolean[]> {
  const { rows } = await world.pool.query<{ is_ok: boolean }>(
    'select is_ok from trade.reconciliations where account = $1 order by reconciliation_id',
    [world.account],
  );
  return rows.map((row) => row.is_ok);
}

describe('entries', () => {
  it('are barred until a pass has read everything', async () => {
    const world = await createWorld(bench);
    const submitter = await world.openSubmitter();
    world.moveTo('10:05:00.2');
    await world.slice();
    await send({ submitter });
    expect(world.venue.requests.submit).toBeUndefined();
    expect(await world.orders()).toEqual([]);
  });

  it('are barred again while the broker cannot be asked, and not a moment longer', async () => {
    const world = await createWorld(bench);
    const { reconciler } = await openJobs(world);
    world.venue.levers.isDown = true;
    world.moveTo('10:05:31');
    await passes(world, { reconciler }, 1000);
    expect((await verdicts(world)).at(-1)).toBe(false);
    world.venue.levers.isDown = false;
    await passes(world, { reconciler }, 3000);
    expect((await verdicts(world)).at(-1)).toBe(true);
    expect(await world.alerts()).toEqual([]);
  });

  it('are barred, and people are told once, while the broker cannot be asked for half a minute', async () => {
    const world = await createWorld(bench);
    const { reconciler } = await openJobs(world);
    world.venue.levers.isDown = true;
    world.moveTo('10:05:31');
    await passes(world, { reconciler }, 45_000);
    expect((await world.alerts()).map((key) => key.slice(0, 14))).toEqual(['not reconciled']);
  });
});

describe('fills', () => {
  it('are counted once, whoever reports them how often', async () => {
    const { world, jobs } = await withEntrySent();
    const [entry] = world.venue.orders;
    for (const qty of [1, 7, 16]) {
      world.venue.fill(entry?.id ?? '', qty);
      await passes(world, jobs, 1500);
      expect(await world.held()).toEqual({ [PUT]: world.venue.positionOf(PUT) });
    }
    expect(await world.orders()).toEqual(['entry#1 partially_filled 24/25']);
    world.venue.fill(entry?.id ?? '', 1);
    await passes(world, jobs, 1500);
    expect(await world.orders()).toEqual(['entry#1 filled 25/25']);
    expect(await world.held()).toEqual({ [PUT]: -25 });
  });

  it('have their commission and fees', async () => {
    const { world, jobs } = await withEntrySent();
    world.venue.fillAll();
    await passes(world, jobs, 1000);
    const { rows } = await world.pool.query('select commission, fees from trade.fills where account = $1', [
      world.account,
    ]);
    expect(rows).toEqual([{ commission: '16.2500', fees: '1.2075' }]);
  });

  it('make an order filled only when they add up to it', async () => {
    const { world, jobs } = await withEntrySent();
    world.venue.levers.reportLagMs = 3000;
    world.venue.fillAll();
    await passes(world, jobs, 2000);
    expect(await world.orders()).toEqual(['entry#1 accepted 0/25']);
    await passes(world, jobs, 3000);
    expect(await world.orders()).toEqual(['entry#1 filled 25/25']);
  });

  it.each(['fill_first', 'cancel'] as const)(
    'of a cancel race (%s) end as the broker has it',
    async (race) => {
      const { world, jobs } = await withEntrySent();
      world.venue.fill(world.venue.orders[0]?.id ?? '', 10);
      await passes(world, jobs, 1000);
      world.venue.levers.cancel = race;
      world.moveTo('10:05:06');
      await goOn(world, jobs);
      const expected = race === 'cancel' ? 'entry#1 canceled 10/25' : 'entry#1 filled 25/25';
      expect((await world.orders())[0]).toBe(expected);
      expect(await world.held()).toEqual({ [PUT]: world.venue.positionOf(PUT) });
    },
  );

  it('that are reported behind the cancel are counted', async () => {
    const { world, jobs } = await withEntrySent();
    const entry = world.venue.orders[0];
    world.moveTo('10:05:06');
    await goOn(world, jobs, 1000);
    expect(await world.orders()).toEqual(['entry#1 canceled 0/25']);
    // The broker finds out late that some had traded.
    if (entry !== undefined) entry.state = 'working';
    world.venue.fill(entry?.id ?? '', 5);
    if (entry !== undefined) entry.state = 'canceled';
    await passes(world, jobs, 6000);
    expect(await world.states('entry')).toEqual([
      'submitted',
      'accepted',
      'canceled',
      'partially_filled',
      'canceled',
    ]);
    expect(await world.held()).toEqual({ [PUT]: -5 });
    // And the rules take care of them: a stop for five.
    await goOn(world, jobs);
    expect(world.venue.working().map(({ order }) => [order.type, order.qty])).toEqual([['stop', 5]]);
  });

  it('that are reported minutes behind the cancel are counted when the position tells', async () => {
    const { world, jobs } = await withEntrySent();
    world.moveTo('10:05:06');
    await goOn(world, jobs, 1000);
    expect(await world.orders()).toEqual(['entry#1 canceled 0/25']);
    world.venue.levers.isDown = true;
    world.venue.fillLate(world.venue.orders[0]?.id ?? '', 5);
    await passes(world, jobs, 100_000);
    world.venue.levers.isDown = false;
    await goOn(world, jobs, 8000);
    expect(await world.held()).toEqual({ [PUT]: -5 });
    expect(world.venue.working().map(({ order }) => [order.type, order.qty])).toEqual([['stop', 5]]);
  });

  it('of another order under our id are not taken, and entries are halted', async () => {
    const { world, jobs } = await withEntrySent();
    const [entry] = world.venue.orders;
    const other = world.venue.manual({ ...SOLD, qty: 7 });
    (world.venue.orders as unknown[]).splice(0, 1);
    Object.assign(other, { id: entry?.id });
    world.venue.fill(other.id, 7);
    await passes(world, jobs, 2000);
    expect(await world.held()).toEqual({});
    expect(await world.halts()).toHaveLength(1);
    expect((await world.halts())[0]).toMatch(/cannot be recorded: its order .* is another one/);
  });
});

describe('two passes', () => {
  it('change nothing that one has not changed', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    await passes(world, jobs, 2000);
    const before = await factsOf(world);
    jobs.reconciler.hurry();
    await passes(world, jobs, 5000);
    jobs.reconciler.hurry();
    await passes(world, jobs, 5000);
    expect(await factsOf(world)).toEqual(before);
    await jobs.reconciler.close();
    const again = await world.openReconciler();
    await passes(world, { reconciler: again }, 5000);
    expect(await factsOf(world)).toEqual(before);
  });
});

describe('an order', () => {
  it('that an exit waits for is read though the requests of this minute are spent, and nothing else is', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    await jobs.reconciler.close();
    const reconciler = await world.openReconciler({ reads: { perMinute: 1, burst: 2 } });
    await reconciler.pass();
    const { order = 0, orders, positions } = world.venue.requests;
    await passes(world, { reconciler }, 20_000);
    expect(world.venue.requests).toMatchObject({ order, orders, positions });
    world.moveTo('10:06:00.1');
    await world.slice();
    await send(jobs);
    reconciler.hurry();
    await reconciler.pass();
    await send(jobs);
    expect((await world.orders()).slice(-2)).toEqual(['protect#2 canceled 0/25', 'exit#1 accepted 0/25']);
    expect(world.venue.requests).toMatchObject({ order: order + 1, orders, positions });
  });

  it.each(['orders', 'positions'] as const)(
    'that an exit waits for is read while an answer about the %s stays away',
    async (kind) => {
      const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
      const jobs = await openPosition(world);
      world.moveTo('10:05:50');
      world.venue.levers.hangs = kind;
      jobs.reconciler.hurry();
      const hanging = jobs.reconciler.pass();
      await eventually(() => expect(world.venue.heldCount()).toBe(1));
      world.moveTo('10:06:00.1');
      await world.slice();
      await send(jobs);
      const outOfTheWay = /^protect#\d canceled 0\/25$/;
      try {
        await eventually(async () => {
          world.moveTo(250);
          expect((await world.orders()).filter((line) => outOfTheWay.test(line))).toHaveLength(1);
        });
        await send(jobs);
        expect((await world.orders()).at(-1)).toBe('exit#1 accepted 0/25');
      } finally {
        world.venue.levers.hangs = null;
        world.venue.release();
        await hanging;
      }
      world.venue.fillAll();
      await goOn(world, jobs, 5000);
      expect(world.venue.positionOf(PUT)).toBe(0);
      expect(await world.held()).toEqual({});
      expect(await world.halts()).toEqual([]);
    },
  );
});

describe('an order of unknown fate', () => {
  it('that the broker has is adopted, and its fills with it', async () => {
    const { world, jobs } = await withEntrySent('silent_placed');
    world.venue.fillAll();
    await passes(world, jobs, 1000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown', 'filled']);
    expect(await world.held()).toEqual({ [PUT]: -25 });
    await goOn(world, jobs);
    expect(await world.orders()).toEqual(['entry#1 filled 25/25', 'protect#2 accepted 0/25']);
  });

  it('that the broker shows late is waited for', async () => {
    const { world, jobs } = await withEntrySent('silent_placed');
    world.venue.levers.listLagMs = 20_000;
    await passes(world, jobs, 18_000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown']);
    await passes(world, jobs, 8000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown', 'accepted']);
  });

  it('bars every entry meanwhile', async () => {
    const { world, jobs } = await withEntrySent('silent_lost', {
      sides: { '10:05': 1, '10:06': -1 },
      quotes: [ENTRY, ['C600', '10:06', 1.0, 1.02]],
      settings: { slots: 2, exit_on_reverse: false },
    });
    world.venue.levers.isDown = true;
    world.moveTo('10:06:00.2');
    await jobs.reconciler.pass();
    await world.slice();
    await send(jobs);
    expect(world.venue.requests.submit).toBe(1);
    expect(await world.orders()).toEqual(['entry#1 unknown 0/25']);
  });

  it('that the broker never had is given up, an entry after thirty seconds', async () => {
    const { world, jobs } = await withEntrySent('silent_lost');
    await passes(world, jobs, 29_500);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown']);
    await passes(world, jobs, 1000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown', 'canceled']);
    await goOn(world, jobs);
    expect(world.venue.requests.submit).toBe(1);
    const { rows } = await world.pool.query('select detail from trade.orders where run_id = $1', [
      world.run.id,
    ]);
    expect(rows).toEqual([{ detail: 'not found at the broker' }]);
  });

  it('is not given up while positions cannot be read, or have changed', async () => {
    const { world, jobs } = await withEntrySent('silent_placed');
    // Its fill is seen in the positions, and its order nowhere.
    world.venue.levers.listLagMs = 45_000;
    world.venue.fillAll();
    await passes(world, jobs, 40_000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown']);
    await passes(world, jobs, 10_000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown', 'filled']);
  });

  it('that is an exit is given up after two seconds, and the next one sent', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    world.moveTo('10:06:00.1');
    world.venue.levers.submit = 'silent_lost';
    await goOn(world, jobs, 1000);
    expect((await world.orders()).at(-1)).toBe('exit#1 unknown 0/25');
    world.venue.levers.submit = 'accept';
    await goOn(world, jobs, 4000);
    const orders = await world.orders();
    expect(orders).toContain('exit#1 canceled 0/25');
    expect(orders.at(-1)).toMatch(/^exit#\d accepted 0\/25$/);
    expect(world.venue.working().filter(({ order }) => order.legs[0]?.effect === 'close')).toHaveLength(1);
  });

  it('that may be either of two is left to people', async () => {
    const { world, jobs } = await withEntrySent('silent_placed');
    world.venue.manual(SOLD);
    await passes(world, jobs, 5000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown']);
    expect(await world.halts()).toHaveLength(1);
    expect((await world.halts())[0]).toMatch(/may be any of the orders/);
  });

  it('is found by the id of ours where the broker keeps it', async () => {
    const { world, jobs } = await withEntrySent('silent_placed', { keepsClientIds: true });
    world.venue.manual(SOLD);
    await passes(world, jobs, 1000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown', 'accepted']);
    expect(await world.halts()).toEqual([]);
  });

  it.each(['the process that gave it up', 'another process'])(
    'that turns up is canceled and told by %s',
    async (who) => {
      const { world, jobs } = await withEntrySent('silent_placed');
      world.venue.levers.listLagMs = 45_000;
      await passes(world, jobs, 31_000);
      expect(await world.states('entry')).toEqual(['submitted', 'unknown', 'canceled']);
      if (who === 'another process') {
        await jobs.reconciler.close();
        await passes(world, { reconciler: await world.openReconciler() }, 20_000);
      } else await passes(world, jobs, 20_000);
      expect(world.venue.working()).toEqual([]);
      expect(await world.alerts()).toContain('order late');
      expect(await world.halts()).toHaveLength(1);
    },
  );

  it('was sent by a process that has died, and is looked for though nobody sends any more', async () => {
    const { world, jobs } = await withEntrySent('held_placed');
    expect(await world.orders()).toEqual(['entry#1 submitted 0/25']);
    await passes(world, jobs, 63_000);
    expect(await world.states('entry')).toEqual(['submitted', 'unknown', 'accepted']);
    world.venue.release();
  });
});

describe('an id that the broker does not know', () => {
  it('makes the order unknown, and then given up', async () => {
    const { world, jobs } = await withEntrySent();
    (world.venue.orders as unknown[]).splice(0);
    await passes(world, jobs, 36_000);
    expect(await world.states('entry')).toEqual(['submitted', 'accepted', 'unknown']);
    await passes(world, jobs, 8000);
    expect(await world.states('entry')).toEqual(['submitted', 'accepted', 'unknown', 'canceled']);
  });
});

describe('an id that the broker did not know for a while', () => {
  it('leads to the order again', async () => {
    const { world, jobs } = await withEntrySent();
    const hidden = (world.venue.orders as unknown[]).splice(0);
    await passes(world, jobs, 36_000);
    expect((await world.states('entry')).at(-1)).toBe('unknown');
    (world.venue.orders as unknown[]).push(...hidden);
    await passes(world, jobs, 20_000);
    expect(await world.states('entry')).toEqual(['submitted', 'accepted', 'unknown', 'accepted']);
    expect(await world.halts()).toEqual([]);
  });
});

describe('positions', () => {
  it('that somebody else has opened bar entries at once, and halt them when they stand', async () => {
    const world = await createWorld(bench);
    const jobs = await openJobs(world);
    const manual = world.venue.manual(SOLD);
    world.venue.fill(manual.id, 25);
    world.moveTo(2000);
    jobs.reconciler.hurry();
    await jobs.reconciler.pass();
    expect((await verdicts(world)).at(-1)).toBe(false);
    expect(await world.halts()).toEqual([]);
    await passes(world, jobs, 6000);
    expect(await world.halts()).toEqual([`positions differ: ${PUT} is -25 at the broker and 0 by our fills`]);
    await passes(world, jobs, 30_000);
    expect(await world.halts()).toHaveLength(1);
    expect(await world.alerts()).toContain('halt');
  });

  it('that differ do not stop an exit', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    const manual = world.venue.manual({ ...SOLD, qty: 3 });
    world.venue.fill(manual.id, 3);
    await passes(world, jobs, 70_000);
    expect(await world.halts()).toHaveLength(1);
    await goOn(world, jobs, 1000);
    world.venue.fillAll();
    await goOn(world, jobs);
    expect(await world.held()).toEqual({});
    expect(world.venue.positionOf(PUT)).toBe(-3);
  });

  it('that somebody has closed in part are exited as far as the broker has them: more would be refused', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    const [stop] = world.venue.working();
    if (stop !== undefined) stop.state = 'canceled';
    const bought = world.venue.manual({
      ...{ ...SOLD, qty: 10, isCredit: false },
      legs: [{ symbol: PUT, side: 'buy', effect: 'close', ratio: 1 }],
    });
    world.venue.fill(bought.id, 10);
    jobs.reconciler.hurry();
    await goOn(world, jobs, 20_000);
    world.moveTo('10:06:00.1');
    await goOn(world, jobs, 1000);
    expect(world.venue.working()).toMatchObject([{ order: { qty: 15, legs: [{ effect: 'close' }] } }]);
    expect((await world.orders()).at(-1)).toBe('exit#1 accepted 0/25');
    world.venue.fillAll();
    await goOn(world, jobs, 2000);
    expect(world.venue.positionOf(PUT)).toBe(0);
    expect(await world.halts()).toHaveLength(1);
  });

  it('are not thought different while our own orders are on their way', async () => {
    const { world, jobs } = await withEntrySent();
    world.venue.fillAll();
    // The fill is known before the position shows it.
    world.venue.levers.reportLagMs = 0;
    await passes(world, jobs, 10_000);
    expect(await world.halts()).toEqual([]);
    expect((await verdicts(world)).every(Boolean)).toBe(true);
  });

  it('are stored as the broker has them', async () => {
    const world = await createWorld(bench);
    const jobs = await openPosition(world);
    await passes(world, jobs, 61_000);
    const { rows } = await world.pool.query(
      `select n.symbol, p.qty from trade.broker_positions p join ref.instruments n using (instrument_id)
       where p.account = $1 order by p.ts desc limit 1`,
      [world.account],
    );
    expect(rows).toEqual([{ symbol: PUT, qty: -25 }]);
  });
});

describe('an order by hand', () => {
  it('in our contracts is told once; elsewhere it is none of our business', async () => {
    const world = await createWorld(bench);
    const jobs = await openJobs(world);
    const manual = world.venue.manual({ ...SOLD, limit_px_e4: 50_000 });
    const spx = contract('P6000', DATE, 'SPXW');
    const elsewhere = world.venue.manual({
      ...SOLD,
      legs: [{ symbol: spx, side: 'sell', effect: 'open', ratio: 1 }],
    });
    jobs.reconciler.hurry();
    await passes(world, jobs, 10_000);
    await passes(world, jobs, 61_000);
    const { rows } = await world.pool.query<{ key: string }>(
      "select key from ops.alert_outbox where key like 'foreign order%'",
    );
    const keys = rows.map((row) => row.key);
    expect(keys.filter((key) => key === `foreign order ${manual.id}`)).toHaveLength(1);
    expect(keys).not.toContain(`foreign order ${elsewhere.id}`);
    expect(await world.halts()).toEqual([]);
  });

  it('that closes what we hold is critical: the broker may refuse our exits', async () => {
    const world = await createWorld(bench);
    const jobs = await openPosition(world);
    const [stop] = world.venue.working();
    if (stop !== undefined) stop.state = 'canceled';
    const manual = world.venue.manual({
      ...{ ...SOLD, isCredit: false, limit_px_e4: 5000 },
      legs: [{ symbol: PUT, side: 'buy', effect: 'close', ratio: 1 }],
    });
    jobs.reconciler.hurry();
    await passes(world, jobs, 5000);
    const { rows } = await world.pool.query('select severity from ops.alert_outbox where key = $1', [
      `foreign order ${manual.id}`,
    ]);
    expect(rows).toEqual([{ severity: 'critical' }]);
  });

  it('is not what our own order is taken for before its id is known', async () => {
    const { world, jobs } = await withEntrySent('held_placed');
    jobs.reconciler.hurry();
    await passes(world, jobs, 10_000);
    const { rows } = await world.pool.query(
      "select key from ops.alert_outbox where key = 'foreign order ' || $1",
      [world.venue.orders[0]?.id],
    );
    expect(rows).toEqual([]);
    world.venue.release();
  });
});

describe('two reconcile jobs', () => {
  it('of one account cannot run: the second is told who has it', async () => {
    const world = await createWorld(bench);
    await world.openReconciler();
    await expect(world.openReconciler()).rejects.toThrow(Failure);
  });
});

describe('a new submit job', () => {
  it('does not stop the one who reconciles', async () => {
    const { world, jobs } = await withEntrySent();
    await jobs.submitter.close();
    await world.openSubmitter();
    world.venue.fillAll();
    await passes(world, jobs, 1000);
    expect(await world.orders()).toEqual(['entry#1 filled 25/25']);
  });
});
