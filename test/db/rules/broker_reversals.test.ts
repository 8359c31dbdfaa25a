// Reversals and slots at a broker: the other side waits for the close, and what fills late is held and closed all the same.
import { describe, expect, test } from 'vitest';
import { brokerBench, type Cased, PUT } from '../support/broker_bench.ts';
import { useBench } from '../support/connections.ts';
import type { Desk } from '../support/desk.ts';
import type { QuoteSpec } from '../support/scenario.ts';

const bench = useBench();
const { entering, holding, orders, slots, intentOf, exits, reasonAt, one } = brokerBench(bench);
const DOWN = { '10:05': 1, '10:10': -1 } as const;
const QUOTES: QuoteSpec[] = [PUT, ['P600', '10:10', 1.2, 1.22], ['C600', '10:10', 0.9, 0.92]];

/** A desk whose signal has turned at 10:10; the protective stop is out of the way and the exit sent at 10:10:01. */
async function reversing(options: Cased = {}): Promise<Desk> {
  const d = await holding({ sides: DOWN, quotes: QUOTES, ...options });
  await d.to('10:10:00.1');
  await d.work('10:10:00.2');
  await d.report('10:10:01');
  expect(await d.work('10:10:01')).toEqual(['send exit 25']);
  return d;
}

describe('a reversal', () => {
  test('opens the other side when the close has filled', async () => {
    const d = await reversing();
    expect((await orders(d)).at(-1)).toBe('entry#1 sell 25 C600 limit 0.90 created');
    await d.to('10:10:01.5');
    expect(await d.look('10:10:01.5')).toEqual([]);
    d.fill('exit', 25, 1.22, '10:10:02');
    await d.report('10:10:03');
    // Known to be flat, but the slot is not its own yet.
    expect(await d.look('10:10:03')).toEqual([]);
    await d.to('10:10:03.1');
    expect(await slots(d)).toEqual(['10:10:00']);
    expect(await d.work('10:10:03.2')).toEqual(['send entry 25']);
    d.fill('entry', 25, 0.9, '10:10:03');
    await d.report('10:10:04');
    await d.to('10:10:04.1');
    expect(await d.work('10:10:04.2')).toEqual(['send protect 25']);
  });

  test('whose close fills in the fifth second still opens, and one whose close fills after it does not', async () => {
    for (const [second, isSent] of [
      ['05', true],
      ['06', false],
    ] as const) {
      const d = await reversing();
      // Facts come while nobody walks: the fill's own time decides.
      d.fill('exit', 25, 1.22, `10:10:${second}`);
      await d.report('10:10:06.5');
      await d.to('10:10:06.6');
      expect(await d.work('10:10:06.7')).toEqual(
        isSent ? ['send entry 25'] : ['drop entry canceled: never sent'],
      );
    }
  });

  test('is given up while the close works on, when its time is over', async () => {
    const d = await reversing();
    await d.to('10:10:05.1');
    expect(await d.work('10:10:05.2')).toContain('drop entry canceled: never sent');
    await d.report('10:10:06');
    await d.to('10:10:30');
    await d.work('10:10:30');
    d.fill('exit', 25, 1.3, '10:10:30');
    await d.report('10:10:31');
    await d.to('10:10:32');
    expect(await slots(d)).toEqual([null]);
    expect(await d.look('10:10:32')).toEqual([]);
  });

  test('whose close learns late that it was in time is too late to be sent', async () => {
    const d = await reversing();
    d.fill('exit', 25, 1.22, '10:10:02');
    await d.report('10:10:08');
    await d.to('10:10:08.1');
    expect(await d.work('10:10:08.2')).toEqual(['drop entry canceled: never sent']);
    await d.to('10:10:08.3');
    expect(await slots(d)).toEqual([null]);
  });

  test('opens when it is the protective stop that closed', async () => {
    const d = await holding({ sides: DOWN, quotes: QUOTES });
    await d.to('10:10:00.1');
    await d.work('10:10:00.2', 'accepted', () => false);
    d.fill('protect', 25, 4.1, '10:10:00');
    await d.report('10:10:01');
    await d.to('10:10:01.1');
    expect(await d.work('10:10:01.2')).toEqual(['drop exit canceled: nothing is open', 'send entry 25']);
  });

  test('is withdrawn when the signal turns again', async () => {
    const settings = { reversal_valid_ms: 120_000 };
    const d = await reversing({ sides: { ...DOWN, '10:11': 1 }, settings });
    await d.to('10:11:00.1');
    expect(await d.work('10:11:00.2')).toContain('drop entry canceled: never sent');
    expect(await reasonAt(d, '10:11')).toBe('position_open');
  });

  test('is denied by what bars entries when its turn comes', async () => {
    const d = await reversing();
    d.fill('exit', 25, 1.22, '10:10:02');
    await d.report('10:10:03');
    await d.to('10:10:03.1');
    await bench.runner().query("select trade.halt($1, $2, 'test')", [d.account, d.at('10:10:03')]);
    expect(await d.work('10:10:03.2')).toEqual(['drop entry denied: halted']);
    await d.to('10:10:03.3');
    expect(await slots(d)).toEqual([null]);
  });
});

describe('a fill that comes after the slot was given up', () => {
  /** The entry of 10:05 was canceled, or so the broker said; 25 contracts filled all the same. */
  async function lateFill(
    options: Cased = {},
    before: (d: Desk) => Promise<unknown> = async () => undefined,
  ): Promise<Desk> {
    const d = await entering(options);
    await d.to('10:05:06.1');
    await d.work('10:05:06.2', 'accepted', () => false);
    const entry = await intentOf(d, 'entry');
    await d.event(entry, 'canceled', '10:05:07');
    await d.to('10:05:07.1');
    expect(await slots(d)).toEqual([null]);
    await before(d);
    d.venue.fill([...d.venue.orders.keys()][0] ?? '', 25, 10_000, d.at('10:05:06'));
    await d.report('10:06:01.2');
    return d;
  }

  test('is a position: it has a slot, a stop, and an exit', async () => {
    const d = await lateFill({ quotes: [PUT, ['P600', '10:07', 2.1, 2.2]] });
    await d.to('10:06:01.3');
    expect(await slots(d)).toEqual(['10:05:00']);
    expect(await d.work('10:06:01.4')).toEqual(['send protect 25']);
    await d.to('10:07:01');
    expect(await exits(d)).toEqual(['stop_loss at 2.20']);
  });

  test('denies an entry that has the slot and is not sent yet', async () => {
    const quotes: QuoteSpec[] = [PUT, ['C600', '10:06', 0.9, 0.92]];
    const d = await lateFill({ sides: { '10:05': 1, '10:06': -1 }, quotes }, (each) => each.to('10:06:01'));
    expect(await slots(d)).toEqual(['10:06:00']);
    expect(await d.work('10:06:01.3')).toEqual(['drop entry denied: a position without a slot is open']);
    await d.to('10:06:01.4');
    expect(await slots(d)).toEqual([null, '10:05:00']);
  });

  test('beside an entry that was sent makes an additional slot, room for nothing, and an exit: its signal has turned', async () => {
    const quotes: QuoteSpec[] = [PUT, ['C600', '10:06', 0.9, 0.92], ['P600', '10:08', 1.0, 1.02]];
    const d = await lateFill({ sides: { '10:05': 1, '10:06': -1, '10:08': 1 }, quotes }, async (each) => {
      await each.to('10:06:01');
      expect(await each.work('10:06:01.1')).toEqual(['send entry 25']);
      each.fill('entry', 25, 0.9, '10:06:01');
    });
    await d.to('10:06:01.3');
    expect(await slots(d)).toEqual(['10:06:00', '10:05:00']);
    expect(await exits(d)).toEqual(['reverse at 1.02']);
    await d.work('10:06:01.4');
    d.fill('exit', 25, 1.05, '10:06:02');
    await d.report('10:06:03');
    await d.to('10:06:03.1');
    expect(await slots(d)).toEqual(['10:06:00', null]);
    await d.to('10:08:01');
    expect(await reasonAt(d, '10:08')).toBe('reversal');
    expect(
      await one('select count(*)::int as value from trade.position_slots where account = $1', [d.account]),
    ).toBe(2);
  });
});

test('a fill that is recorded while a slice gives its slot up is found by the next one', async () => {
  const d = await entering();
  await d.to('10:05:06.1');
  await d.work('10:05:06.2', 'accepted', () => false);
  d.fill('entry', 25, 1.0, '10:05:06');
  const entry = await intentOf(d, 'entry');
  await d.event(entry, 'canceled', '10:05:07');
  await bench.runner().query('begin isolation level repeatable read');
  await bench.runner().query('select trade.advance($1, $2, $2)', [d.run().id, d.at('10:05:07.1')]);
  const sql = "select trade.record_fill($1, $2, 'late', $3, 1::smallint, 25, 10000)";
  await bench.owner().query(sql, [entry, d.epoch(), d.at('10:05:06')]);
  await bench.runner().query('commit');
  expect(await slots(d)).toEqual([null]);
  await d.to('10:05:07.2');
  expect(await slots(d)).toEqual(['10:05:00']);
});

test('an entry that turns out to have filled after its signal had turned is closed at once', async () => {
  const d = await entering(
    { sides: { '10:05': 1, '10:06': -1 }, quotes: [PUT, ['P600', '10:06', 1.1, 1.12]] },
    'placed',
  );
  await d.to('10:06:01');
  expect(await reasonAt(d, '10:06')).toBe('unknown_order');
  d.fill('entry', 25, 1.0, '10:05:01');
  await d.event(await intentOf(d, 'entry'), 'accepted', '10:06:02', d.last('entry').id);
  await d.report('10:06:02');
  await d.to('10:06:02.1');
  expect(await exits(d)).toEqual(['reverse at 1.12']);
  expect(await d.work('10:06:02.2')).toEqual(['send exit 25']);
});

test('two slots hold two positions, and each is left by itself', async () => {
  const settings = { slots: 2, exit_on_reverse: false };
  const quotes: QuoteSpec[] = [
    PUT,
    ['C600', '10:10', 0.9, 0.92],
    ['P600', '10:12', 2.1, 2.2],
    ['C600', '10:12', 0.9, 0.92],
  ];
  const d = await holding({ sides: DOWN, quotes, settings });
  await d.to('10:10:00.1');
  expect(await d.work('10:10:00.2')).toEqual(['send entry 25']);
  d.fill('entry', 20, 0.9, '10:10:01');
  await d.report('10:10:02');
  await d.to('10:10:06');
  await d.work('10:10:06');
  await d.report('10:10:07');
  await d.to('10:10:07.1');
  expect(await d.work('10:10:07.2')).toEqual(['send protect 20']);
  await d.to('10:12:00.1');
  await d.work('10:12:00.2');
  await d.report('10:12:01');
  expect(await d.work('10:12:01')).toEqual(['send exit 25']);
  d.fill('exit', 25, 2.2, '10:12:01');
  await d.report('10:12:02');
  await d.to('10:12:02.1');
  expect(await slots(d)).toEqual([null, '10:10:00']);
  expect(d.venue.position(d.last('entry').symbol)).toBe(-20);
});
