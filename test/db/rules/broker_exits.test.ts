// Exits at a broker: why they begin, how they are priced, and what stands between a position and its end.
import { describe, expect, test } from 'vitest';
import { brokerBench, type Cased, PUT } from '../support/broker_bench.ts';
import { useBench } from '../support/connections.ts';
import type { Desk } from '../support/desk.ts';
import { later } from '../support/desk.ts';
import type { QuoteSpec } from '../support/scenario.ts';

const bench = useBench();
const { entering, holding, orders, slots, intentOf, exits, one } = brokerBench(bench);
const STOP: QuoteSpec = ['P600', '10:07', 2.1, 2.2];

/** A desk whose stop was hit at 10:07; the protective stop is out of the way, the exit is still to be sent at 10:07:01. */
async function leaving(options: Cased = {}): Promise<Desk> {
  const d = await holding({ quotes: [PUT, STOP], ...options });
  await d.to('10:07:00.1');
  expect(await d.work('10:07:00.2')).toEqual(['cancel protect the exit goes first']);
  await d.report('10:07:01');
  return d;
}

describe('an exit', () => {
  test.each<[string, QuoteSpec, string]>([
    ['the stop', STOP, 'stop_loss at 2.20'],
    ['the target', ['P600', '10:07', 0.48, 0.5], 'take_profit at 0.50'],
  ])('by %s waits for the protective stop, closes, and frees the slot', async (_, quote, reason) => {
    const d = await leaving({ quotes: [PUT, quote] });
    expect(await exits(d)).toEqual([reason]);
    expect(await d.work('10:07:01')).toEqual(['send exit 25']);
    d.fill('exit', 25, 2.2, '10:07:01');
    expect(await slots(d)).toEqual(['10:05:00']);
    await d.report('10:07:02');
    await d.to('10:07:02.1');
    expect(await slots(d)).toEqual([null]);
    expect((await orders(d)).at(-1)).toMatch(/^exit#1 buy 25 P600 limit \d\.\d\d filled 25$/);
  });

  test('by the forced flat comes at its time', async () => {
    const d = await holding({ until: '15:31' });
    await d.to('15:30');
    expect(await exits(d)).toEqual([]);
    await d.to('15:30:00.1');
    expect(await exits(d)).toEqual(['forced_flat at 1.02']);
  });

  test('by the forced flat is decided even while the rest of the entry cannot be canceled', async () => {
    const d = await entering({ until: '15:31' });
    d.fill('entry', 10, 1.0, '10:05:02');
    await d.report('10:05:03');
    await d.to('15:29:59');
    await d.work('15:29:59', 'accepted', () => false);
    await d.to('15:30:01');
    expect(await exits(d)).toEqual(['forced_flat at 1.02']);
    // Both would be at the broker at once: the exit waits.
    expect(await d.work('15:30:01.1')).toEqual(['cancel entry as decided']);
    await d.report('15:30:02');
    expect(await d.work('15:30:02')).toEqual(['send exit 10']);
  });

  test('by a cross in the other direction is decided at its period', async () => {
    const d = await holding({
      sides: { '10:05': 1, '10:10': -1 },
      quotes: [PUT, ['P600', '10:09', 1.2, 1.25]],
    });
    await d.to('10:10:01');
    expect(await exits(d)).toEqual(['reverse at 1.25']);
  });

  test('is re-priced to a market order; each order is sent only when the one before has ended', async () => {
    const d = await leaving();
    await d.work('10:07:01');
    const done: string[] = [];
    for (let ms = 0; ms <= 12_000; ms += 500) {
      await d.to(later('10:07:01', ms + 1));
      done.push(
        ...(await d.work(later('10:07:01', ms + 2))).map(
          (line) => `${later('10:07:01', ms).slice(3)} ${line}`,
        ),
      );
      await d.report(later('10:07:01', ms + 400));
    }
    expect(done).toEqual(
      [2, 4, 6, 8, 10].flatMap((s) => [
        `07:${String(s).padStart(2, '0')} cancel exit as decided`,
        `07:${String(s).padStart(2, '0')}.500000 send exit 25`,
      ]),
    );
    expect((await orders(d)).slice(2)).toEqual([
      'exit#1 buy 25 P600 limit 2.20 canceled',
      'exit#2 buy 25 P600 limit 2.22 canceled',
      'exit#3 buy 25 P600 limit 2.24 canceled',
      'exit#4 buy 25 P600 limit 2.26 canceled',
      'exit#5 buy 25 P600 limit 2.28 canceled',
      'exit#6 buy 25 P600 market accepted',
    ]);
    expect(d.refused).toEqual([]);
  });

  test('that fills in part is re-priced for the rest', async () => {
    const d = await leaving();
    await d.work('10:07:01');
    d.fill('exit', 10, 2.2, '10:07:01');
    await d.report('10:07:02');
    await d.to('10:07:02.1');
    expect(await d.work('10:07:02.2')).toEqual(['cancel exit as decided']);
    // Five more behind the cancel: the next attempt was written for 15, and 10 is what may be sent.
    const [exit] = [...d.venue.orders.values()].slice(-1);
    expect(exit?.state).toBe('canceled');
    await d.report('10:07:03');
    await d.to('10:07:03.1');
    expect(await d.work('10:07:03.2')).toEqual(['send exit 15']);
    d.fill('exit', 15, 2.22, '10:07:03');
    await d.report('10:07:04');
    await d.to('10:07:04.1');
    expect(await slots(d)).toEqual([null]);
    expect((await orders(d)).slice(2)).toEqual([
      'exit#1 buy 25 P600 limit 2.20 canceled 10',
      'exit#2 buy 15 P600 limit 2.22 filled 15',
    ]);
  });

  test('that fills behind its cancel leaves less for the next attempt, or nothing', async () => {
    for (const behind of [5, 25]) {
      const d = await leaving();
      await d.work('10:07:01');
      await d.to('10:07:02.1');
      await d.work('10:07:02.2', 'accepted', () => false);
      d.fill('exit', behind, 2.2, '10:07:02');
      d.venue.end(d.last('exit').id, 'canceled');
      await d.report('10:07:03');
      expect(await d.work('10:07:03.2')).toEqual([
        behind === 25 ? 'drop exit canceled: nothing is open' : 'send exit 20',
      ]);
      await d.to('10:07:03.3');
      expect(await slots(d)).toEqual([behind === 25 ? null : '10:05:00']);
    }
  });

  test('that is rejected is tried again: at the next price, then at market, and ever more slowly', async () => {
    const d = await leaving();
    const sentAt: string[] = [];
    for (let ms = 0; ms <= 120_000; ms += 1000) {
      const time = later('10:07:01', ms);
      if ((await d.work(time, 'rejected')).length > 0) sentAt.push(time.slice(3, 8));
      await d.to(later(time, 100));
    }
    expect(sentAt.slice(0, 12)).toEqual([
      ...[
        '07:01',
        '07:03',
        '07:05',
        '07:07',
        '07:09',
        '07:11',
        '07:13',
        '07:15',
        '07:17',
        '07:19',
        '07:23',
        '07:29',
      ],
    ]);
    expect(sentAt.length).toBeLessThan(20);
    expect((await orders(d)).slice(7, 9)).toEqual([
      'exit#6 buy 25 P600 market rejected',
      'exit#7 buy 25 P600 market rejected',
    ]);
    expect(await slots(d)).toEqual(['10:05:00']);
  });

  test('that fails is tried again within seconds, however seldom one that works is re-priced', async () => {
    const d = await leaving({ settings: { exit_reprice_ms: 60_000, exit_market_after_ms: 300_000 } });
    const sentAt: string[] = [];
    for (let ms = 0; ms <= 10_000; ms += 1000) {
      const time = later('10:07:01', ms);
      const outcome = ms < 4000 ? 'rejected' : 'accepted';
      if ((await d.work(time, outcome)).length > 0) sentAt.push(time.slice(3, 8));
      await d.to(later(time, 100));
    }
    expect(sentAt).toEqual(['07:01', '07:03', '07:05']);
    expect((await orders(d)).at(-1)).toBe('exit#3 buy 25 P600 limit 2.20 accepted');
  });

  test('without an ask to price it is a market order, and so is every attempt after it', async () => {
    const d = await holding({
      sides: { '10:05': 1, '10:10': -1 },
      quotes: [PUT, ['P600', '10:09', 1.2, null]],
    });
    await d.to('10:10:00.1');
    await d.work('10:10:00.2');
    await d.report('10:10:01');
    await d.work('10:10:01', 'rejected');
    // One slice over all of it writes one more attempt, not a ladder of them.
    await d.to('10:10:20');
    expect((await orders(d)).slice(2)).toEqual([
      'exit#1 buy 25 P600 market rejected',
      'exit#2 buy 25 P600 market created',
    ]);
  });
});

describe('an exit of unknown fate', () => {
  test('blocks its position: attempts are written, none is sent', async () => {
    const d = await leaving();
    await d.work('10:07:01', 'placed');
    for (const time of ['10:07:03', '10:07:05', '10:07:20', '10:07:40']) {
      await d.to(time);
      expect((await d.work(time)).filter((line) => line.startsWith('send'))).toEqual([]);
    }
    expect((await orders(d)).at(-1)).toBe('exit#6 buy 25 P600 market created');
  });

  test('found again is canceled for the last attempt, which goes when it has ended', async () => {
    const d = await leaving();
    await d.work('10:07:01', 'placed');
    await d.to('10:07:20');
    await d.work('10:07:20');
    const first = await one<number>(
      "select min(i.intent_id) as value from trade.order_intents i join trade.runs r using (run_id) where r.account = $1 and i.purpose = 'exit'",
      [d.account],
    );
    await d.event(first as number, 'accepted', '10:07:21', d.last('exit').id);
    expect(await d.work('10:07:21')).toEqual(['cancel exit as decided']);
    await d.report('10:07:22');
    expect(await d.work('10:07:22')).toEqual(['send exit 25']);
    expect(d.refused).toEqual([]);
  });

  test('found filled ends the position', async () => {
    const d = await leaving();
    await d.work('10:07:01', 'placed');
    await d.to('10:07:20');
    d.fill('exit', 25, 2.2, '10:07:01');
    const last = await intentOf(d, 'exit');
    await d.event(last - 5, 'accepted', '10:07:21', d.last('exit').id);
    await d.report('10:07:21');
    const done = await d.work('10:07:22');
    expect(done.at(-1)).toBe('drop exit canceled: nothing is open');
    expect(done.filter((line) => !line.startsWith('drop'))).toEqual([]);
    await d.to('10:07:23');
    expect(await slots(d)).toEqual([null]);
  });

  test('never found is followed by the next attempt', async () => {
    const d = await leaving();
    await d.work('10:07:01', 'lost');
    await d.event(await intentOf(d, 'exit'), 'canceled', '10:07:02', null, 'not found at the broker');
    await d.to('10:07:03');
    expect(await d.work('10:07:03')).toEqual(['send exit 25']);
  });
});
