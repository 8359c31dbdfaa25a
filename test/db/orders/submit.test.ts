// The submit job on a real database: what it sends, what it never sends, and what it says when something goes wrong.
import { describe, expect, it } from 'vitest';
import { Failure } from '../../../core/failure.ts';
import { connect } from '../../../db/pool.ts';
import { recordedFills } from '../../../jobs/orders/recorded_fills.ts';
import { eventually } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import type { QuoteSpec } from '../support/scenario.ts';
import { createWorld, ENTRY, goOn, openJobs, openPosition, PUT, send, type World } from './world.ts';

const bench = useBench();
const STOP: QuoteSpec = ['P600', '10:06', 2.0, 2.05];

/** The entry of 10:05 is written and may be sent. */
async function withEntry(options: Parameters<typeof createWorld>[1] = {}): Promise<World> {
  const world = await createWorld(bench, options);
  const reconciler = await world.openReconciler();
  await reconciler.pass();
  world.moveTo('10:05:00.2');
  await world.slice();
  expect(await world.orders()).toEqual(['entry#1 created 0/25']);
  return world;
}

describe('a trade', () => {
  it('goes from signal to flat: the entry, a stop that rests at the broker, the exit', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    expect(await world.orders()).toEqual(['entry#1 filled 25/25', 'protect#2 accepted 0/25']);
    expect(world.venue.positionOf(PUT)).toBe(-25);
    world.moveTo('10:06:00.1');
    await world.slice();
    await send(jobs);
    // Both could fill: the exit waits until the broker has said that the stop is gone.
    expect(await world.orders()).toEqual([
      'entry#1 filled 25/25',
      'protect#2 accepted 0/25',
      'exit#1 created 0/25',
    ]);
    await jobs.reconciler.pass();
    await send(jobs);
    expect(await world.orders()).toEqual([
      'entry#1 filled 25/25',
      'protect#2 canceled 0/25',
      'exit#1 accepted 0/25',
    ]);
    world.venue.fillAll();
    await goOn(world, jobs);
    expect(await world.orders()).toEqual([
      'entry#1 filled 25/25',
      'protect#2 canceled 0/25',
      'exit#1 filled 25/25',
    ]);
    expect(await world.held()).toEqual({});
    expect(world.venue.positionOf(PUT)).toBe(0);
    expect(world.venue.requests.submit).toBe(3);
    expect(await world.alerts()).toEqual([]);
  });

  it('leaves what the broker said before it was sent, and its fills to whoever has only totals', async () => {
    const world = await createWorld(bench);
    const { broker } = world.venue;
    const plain = broker.submit;
    const preview = { order: { status: 'ok', commission: 8.75 } };
    Object.assign(broker, {
      submit: async (...[order, about]: Parameters<typeof plain>) => {
        await about.onPreview?.(preview);
        return plain(order, about);
      },
    });
    await openPosition(world);
    const previews = `
      select p.preview from trade.order_previews p join trade.order_intents i using (intent_id)
      where i.run_id = $1 order by i.intent_id`;
    const { rows } = await world.pool.query(previews, [world.run.id]);
    expect(rows.map((row) => row.preview)).toEqual([preview, preview]);
    const [entry] = world.venue.orders;
    const known = recordedFills(
      () => connect({ url: world.url, role: 'job_runner', name: 'test' }),
      world.account,
    );
    expect(await known(entry?.id ?? '')).toMatchObject([{ legNo: 1, qty: 25, px_e4: 10_000 }]);
    expect(await known('none')).toEqual([]);
  });

  it('is closed by the stop at the broker while we sleep', async () => {
    const world = await createWorld(bench);
    const jobs = await openPosition(world);
    const [stop] = world.venue.working();
    expect(stop?.order).toMatchObject({ type: 'stop', stop_px_e4: 40_000, limit_px_e4: null });
    world.venue.fill(stop?.id ?? '', 25, 41_000);
    world.moveTo(60_000);
    await goOn(world, jobs);
    expect(await world.held()).toEqual({});
    const { rows } = await world.pool.query(
      'select count(*)::integer as taken from trade.position_slots where account = $1 and position_id is not null',
      [world.account],
    );
    expect(rows).toEqual([{ taken: 0 }]);
  });
});

describe('an intent', () => {
  it('is sent once, however often it is looked at', async () => {
    const world = await withEntry();
    const submitter = await world.openSubmitter();
    world.venue.levers.submit = 'held_placed';
    for (let look = 0; look < 5; look += 1) await submitter.step();
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    world.venue.release();
    await submitter.settled();
    await submitter.step();
    await submitter.settled();
    expect(world.venue.requests.submit).toBe(1);
    expect(await world.states('entry')).toEqual(['submitted', 'accepted']);
    expect(submitter.counters()).toEqual({ committed: 1, sent: 1, withheld: 0 });
  });

  it('is committed as submitted before the broker hears of it', async () => {
    const world = await withEntry();
    const submitter = await world.openSubmitter();
    world.venue.levers.submit = 'held_placed';
    await submitter.step();
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    expect(await world.orders()).toEqual(['entry#1 submitted 0/25']);
    world.venue.release();
  });

  it.each([
    ['reject', ['submitted', 'rejected'], 'order rejected'],
    ['not_sent', ['submitted', 'canceled'], 'order not sent'],
    ['silent_placed', ['submitted', 'unknown'], 'order unknown'],
    ['silent_lost', ['submitted', 'unknown'], 'order unknown'],
  ] as const)('whose outcome is %s is never sent again', async (plan, states, alert) => {
    const world = await withEntry();
    const submitter = await world.openSubmitter();
    world.venue.levers.submit = plan;
    await send({ submitter });
    world.venue.levers.submit = 'accept';
    for (const _ of [1, 2, 3]) {
      world.moveTo(300);
      await send({ submitter });
    }
    expect(world.venue.requests.submit).toBe(1);
    expect(await world.states('entry')).toEqual(states);
    expect(await world.alerts()).toEqual([alert]);
  });

  it('that the broker took after it was recorded as ended is called back, and people are told', async () => {
    const world = await withEntry();
    const submitter = await world.openSubmitter();
    world.venue.levers.submit = 'held_placed';
    await submitter.step();
    await eventually(() => expect(world.venue.requests.submit).toBe(1));
    const end = "select trade.record_order_event($1, $2, $3, 'canceled', null, null, 'test')";
    await bench.runner().query(end, [await world.intentId('entry'), submitter.epoch, '2026-06-17 10:05:01']);
    world.venue.release();
    await submitter.settled();
    expect(world.venue.requests.cancel).toBe(1);
    expect(world.venue.working()).toEqual([]);
    expect(await world.alerts()).toEqual(expect.arrayContaining(['halt', 'order recalled']));
    expect((await world.halts())[0]).toContain('recorded as ended, but the broker took it as order');
  });

  it('that nobody sent in time is dropped', async () => {
    const world = await withEntry();
    world.moveTo('10:05:06');
    const submitter = await world.openSubmitter();
    await send({ submitter });
    expect(world.venue.requests.submit).toBeUndefined();
    expect(await world.orders()).toEqual(['entry#1 denied 0/25']);
  });

  it('is dropped when entries were halted behind the decision', async () => {
    const world = await withEntry();
    await bench.runner().query("select trade.halt($1, '2026-06-17 10:05', 'by hand')", [world.account]);
    const submitter = await world.openSubmitter();
    await send({ submitter });
    expect(world.venue.requests.submit).toBeUndefined();
    expect(await world.orders()).toEqual(['entry#1 denied 0/25']);
  });
});

describe('the ceilings', () => {
  it('deny an entry above them, and tell', async () => {
    const world = await withEntry();
    const submitter = await world.openSubmitter({ ceilings: { contractsPerOrder: 24 } });
    await send({ submitter });
    expect(world.venue.requests.submit).toBeUndefined();
    expect(await world.orders()).toEqual(['entry#1 denied 0/25']);
    expect(await world.alerts()).toEqual(['order denied']);
    const { rows } = await world.pool.query('select detail from trade.orders where run_id = $1', [
      world.run.id,
    ]);
    expect(rows).toEqual([{ detail: 'ceiling: 25 contracts, at most 24 in one order' }]);
  });

  it('measure the price against the quote of now', async () => {
    const world = await withEntry();
    await world.scenario.quote(['P600', '10:05:00.1', 4.0, 4.02]);
    const submitter = await world.openSubmitter();
    await send({ submitter });
    expect(await world.alerts()).toEqual(['order denied']);
    expect(await world.orders()).toEqual(['entry#1 denied 0/25']);
  });

  it('count what was sent before', async () => {
    const world = await createWorld(bench, {
      sides: { '10:05': 1, '10:07': -1 },
      quotes: [ENTRY, ['P600', '10:07', 1.0, 1.02], ['C600', '10:07', 1.0, 1.02]],
      settings: { slots: 2, exit_on_reverse: false },
    });
    const reconciler = await world.openReconciler();
    await reconciler.pass();
    const submitter = await world.openSubmitter({ ceilings: { ordersPerDay: 1 } });
    world.moveTo('10:05:00.2');
    await world.slice();
    await send({ submitter });
    world.moveTo('10:06:30');
    await reconciler.pass();
    world.moveTo('10:07:00.2');
    await world.slice();
    await send({ submitter });
    expect(world.venue.requests.submit).toBe(1);
    expect((await world.orders()).at(-1)).toBe('entry#1 denied 0/25');
  });

  it('let an exit go whatever was sent before it', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    await jobs.submitter.close();
    const submitter = await world.openSubmitter({
      ceilings: { ordersPerDay: 1, ordersPerMinute: 1, pricePercent: 1, premiumPerOrder: 1 },
    });
    world.moveTo('10:06:00.1');
    await goOn(world, { ...jobs, submitter }, 1000);
    expect((await world.orders()).at(-1)).toBe('exit#1 accepted 0/25');
  });
});

describe('an exit', () => {
  it('does not wait for an entry whose answer does not come', async () => {
    const world = await createWorld(bench, {
      sides: { '10:05': 1, '10:06': -1 },
      quotes: [
        ENTRY,
        ['P600', '10:06', 1.9, 1.95],
        ['C600', '10:06', 1.0, 1.02],
        ['P600', '10:06:02', 2.0, 2.05],
      ],
      settings: { slots: 2, exit_on_reverse: false },
    });
    const jobs = await openPosition(world);
    world.moveTo('10:06:00.2');
    await jobs.reconciler.pass();
    await world.slice();
    world.venue.levers.submit = 'held_lost';
    await jobs.submitter.step();
    await eventually(() => expect(world.venue.requests.submit).toBe(3));
    world.venue.levers.submit = 'accept';
    world.moveTo('10:06:02.1');
    await world.slice();
    await jobs.submitter.step();
    await eventually(() => expect(world.venue.requests.cancel).toBe(1));
    await eventually(async () => {
      world.moveTo(50);
      await jobs.reconciler.pass();
      await jobs.submitter.step();
      expect(await world.orders()).toEqual([
        'entry#1 filled 25/25',
        'protect#2 canceled 0/25',
        'entry#1 submitted 0/25',
        'exit#1 accepted 0/25',
      ]);
    });
    world.venue.release();
  });

  it('is never for more than is open', async () => {
    const world = await createWorld(bench, { quotes: [ENTRY, STOP] });
    const jobs = await openPosition(world);
    const [stop] = world.venue.working();
    // Some of the stop fills before its cancel reaches the broker.
    world.venue.fill(stop?.id ?? '', 10, 41_000);
    world.moveTo('10:06:00.1');
    await world.slice();
    await send(jobs);
    await goOn(world, jobs, 1000);
    const exit = world.venue.orders.at(-1);
    expect(exit?.order).toMatchObject({ qty: 15, legs: [{ effect: 'close' }] });
    expect(exit?.state).toBe('working');
    world.venue.fillAll();
    await goOn(world, jobs);
    expect(world.venue.positionOf(PUT)).toBe(0);
    expect(await world.held()).toEqual({});
  });
});

describe('a cancel', () => {
  it.each([
    // After 0, 1, 2, 4, 8, 16, 31 and 46 seconds; after 0, 1, 2, 4, 8 and then every four.
    ['taken, and changes nothing', 'stuck', 8],
    ['refused', 'refuse', 17],
  ] as const)(
    'that is %s is asked for less and less often: exits need the requests',
    async (_, plan, count) => {
      const world = await createWorld(bench);
      const jobs = await openJobs(world);
      world.moveTo('10:05:00.2');
      await world.slice();
      await send(jobs);
      world.venue.levers.cancel = plan;
      world.moveTo('10:05:06');
      await world.slice();
      for (let look = 0; look < 120; look += 1) {
        await send(jobs);
        world.moveTo(500);
      }
      expect(world.venue.requests.cancel).toBe(count);
    },
  );

  it('that gets no answer is asked for once a second until the order has ended', async () => {
    const world = await createWorld(bench);
    const jobs = await openJobs(world);
    world.moveTo('10:05:00.2');
    await world.slice();
    await send(jobs);
    world.venue.levers.cancel = 'lose';
    world.moveTo('10:05:06');
    await world.slice();
    for (let look = 0; look < 30; look += 1) {
      await send(jobs);
      world.moveTo(100);
    }
    expect(world.venue.requests.cancel).toBe(3);
    world.venue.levers.cancel = 'cancel';
    await goOn(world, jobs);
    expect(await world.orders()).toEqual(['entry#1 canceled 0/25']);
    const asked = world.venue.requests.cancel;
    await goOn(world, jobs, 3000);
    expect(world.venue.requests.cancel).toBe(asked);
  });
});

describe('two submit jobs', () => {
  it('of one account cannot run: the second is told who has it', async () => {
    const world = await createWorld(bench);
    await world.openSubmitter();
    const second = world.openSubmitter();
    await expect(second).rejects.toThrow(
      new RegExp(
        `orders of account ${world.account} are sent by another process: strikebase orders .* process ${process.pid}`,
      ),
    );
    await expect(second).rejects.toBeInstanceOf(Failure);
  });

  it('of one account at the broker under two names cannot run either', async () => {
    const worlds = [await createWorld(bench), await createWorld(bench)];
    const brokerAccount = `schwab ${worlds[0]?.account}`;
    await worlds[0]?.openSubmitter({ brokerAccount });
    await expect(worlds[1]?.openSubmitter({ brokerAccount })).rejects.toThrow(
      /orders of this account at the broker are sent by another process, under another name: strikebase orders/,
    );
  });

  it('of different accounts do not mind each other', async () => {
    const worlds = [await createWorld(bench), await createWorld(bench)];
    for (const world of worlds) expect((await world.openSubmitter()).epoch).toBe(1);
  });

  it('never write both: the one that was replaced sends nothing more and says so', async () => {
    const world = await withEntry();
    const submitter = await world.openSubmitter();
    await bench.runner().query("select trade.take_fence($1, 'another', '2026-06-17 10:05')", [world.account]);
    await expect(send({ submitter })).rejects.toThrow(/another process has taken over the orders of account/);
    await expect(send({ submitter })).rejects.toBeInstanceOf(Failure);
    expect(world.venue.requests.submit).toBeUndefined();
    expect(await world.orders()).toEqual(['entry#1 created 0/25']);
  });

  it('the one that was replaced stops also where it has nothing to write', async () => {
    const world = await createWorld(bench);
    const submitter = await world.openSubmitter();
    await bench.runner().query("select trade.take_fence($1, 'another', '2026-06-17 10:04')", [world.account]);
    await expect(submitter.step()).rejects.toThrow(/another process has taken over the orders of account/);
  });
});

describe('a new process', () => {
  it('takes what its predecessor left without an answer for unknown', async () => {
    const world = await withEntry();
    const before = await world.openSubmitter();
    await bench
      .runner()
      .query(
        "select trade.record_order_event($1, $2, '2026-06-17 10:05:00.3', 'submitted', null, 25, null)",
        [await world.intentId('entry'), before.epoch],
      );
    await before.close();
    const after = await world.openSubmitter();
    expect(after.epoch).toBe(before.epoch + 1);
    await send({ submitter: after });
    expect(world.venue.requests.submit).toBeUndefined();
    expect(await world.states('entry')).toEqual(['submitted', 'unknown']);
  });
});

describe('the counters', () => {
  it('stop entries when the database has more orders of this process than it knows of', async () => {
    const world = await createWorld(bench, {
      sides: { '10:05': 1, '10:07': -1 },
      quotes: [ENTRY, ['P600', '10:07', 1.0, 1.02], ['C600', '10:07', 1.0, 1.02]],
      settings: { slots: 2, exit_on_reverse: false },
    });
    const jobs = await openPosition(world);
    world.moveTo('10:07:00.2');
    await jobs.reconciler.pass();
    // As if another part of this process had sent an order on its own.
    const rogue = await bench.database.pool().connect();
    await rogue.query('set session_replication_role = replica');
    await rogue.query(
      `insert into trade.order_events (intent_id, run_id, ts, state, epoch) values ($1, $2, '2026-06-17 10:06', 'submitted', $3)`,
      [await world.intentId('entry'), world.run.id, jobs.submitter.epoch],
    );
    await rogue.query('set session_replication_role = origin');
    rogue.release();
    await world.slice();
    const sent = world.venue.requests.submit;
    await send(jobs);
    expect(world.venue.requests.submit).toBe(sent);
    expect(await world.halts()).toEqual([
      'orders are out of step: the database has 3 orders of this process, which committed 2',
    ]);
    expect(await world.alerts()).toEqual(['halt', 'order denied']);
  });
});
