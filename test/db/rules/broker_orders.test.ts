// Entries at a broker: from the intent to the end of its slot, whatever the broker makes of it.
import { describe, expect, test } from 'vitest';
import { brokerBench, PUT } from '../support/broker_bench.ts';
import { useBench } from '../support/connections.ts';
import type { Desk } from '../support/desk.ts';
import type { QuoteSpec } from '../support/scenario.ts';

const bench = useBench();
const { desk, entering, orders, slots, intentOf, reasonAt } = brokerBench(bench);
const CALL: QuoteSpec = ['C600', '10:06', 0.9, 0.92];

describe('an entry', () => {
  test('that fills is a position with a stop at the broker', async () => {
    const d = await entering();
    d.fill('entry', 25, 1.0, '10:05:01');
    await d.report('10:05:02');
    await d.to('10:05:02.1');
    expect(await d.work('10:05:02.2')).toEqual(['send protect 25']);
    expect(await orders(d)).toEqual([
      'entry#1 sell 25 P600 limit 1.00 filled 25',
      'protect#2 buy 25 P600 stop 4.00 accepted',
    ]);
    expect(await slots(d)).toEqual(['10:05:00']);
  });

  test('is listed until it is sent, the same each time, and takes its slot at once', async () => {
    const d = await desk();
    await d.to('10:05:01');
    const first = await d.look('10:05:01');
    expect(first).toMatchObject([
      { action: 'send', purpose: 'entry', qty: 25, effect: 'open', limit_px_e4: 10_000 },
    ]);
    expect(await d.look('10:05:01')).toEqual(first);
    expect(await slots(d)).toEqual(['10:05:00']);
    await d.work('10:05:01');
    expect(await d.look('10:05:02')).toEqual([]);
  });

  test('unfilled for five seconds is canceled, and its slot is free once the broker says so', async () => {
    const d = await entering();
    await d.to('10:05:05.999');
    expect(await d.look('10:05:05.999')).toEqual([]);
    await d.to('10:05:06.1');
    expect(await d.look('10:05:06.1')).toMatchObject([
      { action: 'cancel', purpose: 'entry', reason: 'as decided' },
    ]);
    // Until it has ended it may fill: nothing else happens, however long that takes.
    await d.to('10:05:40');
    expect(await d.look('10:05:40')).toHaveLength(1);
    expect(await slots(d)).toEqual(['10:05:00']);
    await d.work('10:05:40');
    await d.report('10:05:41');
    await d.to('10:05:41.1');
    expect(await slots(d)).toEqual([null]);
    expect(await orders(d)).toEqual(['entry#1 sell 25 P600 limit 1.00 canceled']);
    expect(await d.look('10:05:42')).toEqual([]);
  });

  test('that fills behind its cancel is a position', async () => {
    const d = await entering();
    await d.to('10:05:06.1');
    await d.work('10:05:06.2', 'accepted', () => false);
    d.fill('entry', 25, 1.0, '10:05:06');
    await d.report('10:05:07');
    await d.to('10:05:07.1');
    expect(await d.work('10:05:07.2')).toEqual(['send protect 25']);
    expect(await slots(d)).toEqual(['10:05:00']);
  });

  test('that fills in part and is canceled is a position of that part', async () => {
    const d = await entering();
    d.fill('entry', 10, 1.0, '10:05:02');
    await d.report('10:05:03');
    await d.to('10:05:03.1');
    // Its rest may fill yet: a stop now would be of the wrong size.
    expect(await d.look('10:05:03.1')).toEqual([]);
    await d.to('10:05:06.1');
    await d.work('10:05:06.2');
    await d.report('10:05:07');
    await d.to('10:05:07.1');
    expect(await d.work('10:05:07.2')).toEqual(['send protect 10']);
    expect(await orders(d)).toEqual([
      'entry#1 sell 25 P600 limit 1.00 canceled 10',
      'protect#2 buy 10 P600 stop 4.00 accepted',
    ]);
  });

  test.each(['rejected', 'not sent'] as const)(
    'that is %s leaves its slot, and is not tried again',
    async (answer) => {
      const d = await entering({}, answer);
      await d.to('10:05:02');
      expect(await slots(d)).toEqual([null]);
      await d.to('10:05:50');
      expect(await d.look('10:05:50')).toEqual([]);
    },
  );

  test('that never reached a broker is dropped when its time is over', async () => {
    const d = await desk();
    await d.to('10:05:01');
    expect((await d.look('10:05:05'))[0]).toMatchObject({ action: 'send' });
    expect((await d.look('10:05:05.001'))[0]).toMatchObject({ action: 'drop', reason: 'denied: too late' });
    await d.to('10:05:05.1');
    expect(await d.work('10:05:05.2')).toEqual(['drop entry canceled: never sent']);
    await d.to('10:05:05.3');
    expect(await slots(d)).toEqual([null]);
  });
});

describe('an entry is denied at the last moment', () => {
  const deny = async (reason: string, bar: (d: Desk) => Promise<unknown>): Promise<void> => {
    const d = await desk();
    await d.to('10:05:01');
    await bar(d);
    expect(await d.work('10:05:01.5')).toEqual([`drop entry denied: ${reason}`]);
    await d.to('10:05:02');
    expect(await slots(d)).toEqual([null]);
  };

  test('by the kill switch of its account, or of all', async () => {
    const query = bench.runner();
    await deny('halted', (d) =>
      query.query("select trade.halt($1, $2, 'test')", [d.account, d.at('10:05:01')]),
    );
    await deny('halted', (d) => query.query("select trade.halt(null, $1, 'test')", [d.at('10:05:01')]));
    await query.query("insert into trade.controls (halted, reason) values (false, 'test over')");
  });

  test('by another order of the account that nobody knows the fate of', async () => {
    const d = await desk({
      settings: { slots: 2, exit_on_reverse: false },
      sides: { '10:05': 1, '10:06': -1 },
      quotes: [PUT, CALL],
    });
    await d.to('10:05:01');
    await d.work('10:05:01', 'lost');
    await d.to('10:06:01');
    expect(await reasonAt(d, '10:06')).toBe('unknown_order');
    await d.event(await intentOf(d, 'entry'), 'canceled', '10:06:02', null, 'not found at the broker');
    await d.to('10:06:03');
    expect(await slots(d)).toEqual([null, null]);
  });

  test('by a reconciliation that is missing, failed or old', async () => {
    const note = (d: Desk, time: string, isOk: boolean): Promise<unknown> =>
      bench.runner().query("select trade.note_reconciled($1, $2, $3, 'test')", [d.account, d.at(time), isOk]);
    await deny('not_reconciled', (d) => note(d, '10:05:01.2', false));
    const d = await desk({ isReconciled: false });
    await note(d, '10:03:31', true);
    await d.to('10:05:01');
    expect((await d.look('10:05:01'))[0]).toMatchObject({ action: 'send' });
    expect((await d.look('10:05:01.001'))[0]).toMatchObject({ reason: 'denied: not_reconciled' });
    const never = await desk({ isReconciled: false });
    await never.to('10:05:01');
    expect(await reasonAt(never, '10:05')).toBe('not_reconciled');
  });

  test('by a red check, none on that day, or none of late', async () => {
    const check = (at: string, ok: boolean): Promise<unknown> =>
      bench
        .runner()
        .query("insert into ops.readiness_checks (ts, name, ok, detail) values ($1, 'broker', $2, '')", [
          at,
          ok,
        ]);
    await deny('not_ready', (d) => check(d.at('10:05:01.2'), false));
    await check('2026-06-17 10:05:01.3', true);
    const unchecked = await desk({ date: '2026-06-18', isReady: false });
    await unchecked.to('10:05:01');
    expect(await reasonAt(unchecked, '10:05')).toBe('not_ready');
    // Green, but of three minutes ago: nobody looks any more.
    const old = await desk({ date: '2026-06-22', isReady: false });
    await check('2026-06-22 10:02:00', true);
    await old.to('10:05:01');
    expect(await reasonAt(old, '10:05')).toBe('not_ready');
  });
});

test('the kill switch cancels an entry that works, and resuming lets the next one pass', async () => {
  const d = await entering({
    sides: { '10:05': 1, '10:06': -1, '10:07': 1 },
    quotes: [PUT, CALL, ['P600', '10:07', 1.0, 1.02]],
  });
  await bench.runner().query("select trade.halt($1, $2, 'test')", [d.account, d.at('10:05:02')]);
  expect(await d.work('10:05:02')).toEqual(['cancel entry halted']);
  await d.report('10:05:03');
  await d.to('10:06:01');
  expect(await reasonAt(d, '10:06')).toBe('halted');
  await bench
    .runner()
    .query("insert into trade.controls (account, halted, reason) values ($1, false, 'test over')", [
      d.account,
    ]);
  await d.to('10:07:01');
  expect(await d.work('10:07:01')).toEqual(['send entry 25']);
});

test('an entry is canceled when its run is closed, and goes on when another one follows', async () => {
  const d = await entering();
  await bench.runner().query("select trade.close_run($1, 'stopped', $2)", [d.run().id, d.at('10:05:02')]);
  expect(await d.look('10:05:02')).toMatchObject([{ action: 'cancel', reason: 'no_run' }]);
  const unsent = await desk();
  await unsent.to('10:05:01');
  await unsent.replaceRun('10:05:01.5');
  expect(await unsent.look('10:05:01.6')).toMatchObject([{ action: 'send' }]);
  await bench
    .runner()
    .query("select trade.close_run($1, 'stopped', $2)", [unsent.run().id, unsent.at('10:05:02')]);
  expect(await unsent.work('10:05:02')).toEqual(['drop entry denied: no_run']);
});

test('without a walk that would cancel it, an entry is canceled five seconds after its time', async () => {
  const d = await entering();
  expect(await d.look('10:05:11')).toEqual([]);
  expect(await d.work('10:05:11.001')).toEqual(['cancel entry unfilled']);
});
