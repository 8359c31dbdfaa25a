// Time at a broker: its clock beside ours, facts that come late, positions that outlive their day.
import { describe, expect, test } from 'vitest';
import { brokerBench, type Cased, PUT } from '../support/broker_bench.ts';
import { useBench } from '../support/connections.ts';
import type { Desk } from '../support/desk.ts';
import type { QuoteSpec } from '../support/scenario.ts';

const bench = useBench();
const { desk, entering, orders, slots, exits } = brokerBench(bench);

/** Holds 25 contracts that were filled at `ts` by the broker's clock and reported at `at`. */
async function heldSince(ts: string, at: string, options: Cased = {}): Promise<Desk> {
  const d = await entering(options);
  d.fill('entry', 25, 1.0, ts);
  await d.report(at);
  return d;
}

describe('a fill', () => {
  test('whose whole second is before the slice, or before its own order, arms stop and target at once', async () => {
    for (const ts of ['10:05:00', '10:05:01', '10:04:58']) {
      const d = await heldSince(ts, '10:05:01.5', { quotes: [PUT, ['P600', '10:05:01.7', 2.1, 2.2]] });
      await d.to('10:05:02');
      expect(await exits(d)).toEqual(['stop_loss at 2.20']);
    }
  });

  test('that is dated after the slice does not disarm them', async () => {
    for (const ts of ['10:05:03', '11:05:03', '14:05:03']) {
      const d = await heldSince(ts, '10:05:01.5', { quotes: [PUT, ['P600', '10:05:01.7', 2.1, 2.2]] });
      await d.to('10:05:02');
      expect(await exits(d)).toEqual(['stop_loss at 2.20']);
    }
  });

  test('that becomes known after the quote that is its stop meets that quote, as long as it stands', async () => {
    const quotes: QuoteSpec[] = [PUT, ['P600', '10:05:03', 2.1, 2.2]];
    const stands = await entering({ quotes });
    await stands.to('10:05:03.5');
    stands.fill('entry', 25, 1.0, '10:05:02');
    await stands.report('10:05:04');
    await stands.to('10:05:04.1');
    expect(await exits(stands)).toEqual(['stop_loss at 2.20']);
    const passed = await entering({ quotes: [...quotes, ['P600', '10:05:03.2', 1.0, 1.02]] });
    await passed.to('10:05:03.5');
    passed.fill('entry', 25, 1.0, '10:05:02');
    await passed.report('10:05:04');
    await passed.to('10:05:04.1');
    expect(await exits(passed)).toEqual([]);
  });

  test('after the forced flat is closed at once', async () => {
    const quotes: QuoteSpec[] = [['P600', '15:29', 1.0, 1.02]];
    const d = await desk({ sides: { '15:29': 1 }, quotes, from: '15:28', until: '15:32' });
    await d.to('15:29:01');
    await d.work('15:29:01', 'placed');
    await d.to('15:31');
    d.fill('entry', 25, 1.0, '15:29:01');
    const { rows } = await bench.owner().query('select max(intent_id) as id from trade.order_intents');
    await d.event(rows[0].id, 'accepted', '15:31:01', d.last('entry').id);
    await d.report('15:31:01');
    await d.to('15:31:02');
    expect(await exits(d)).toEqual(['forced_flat at 1.02']);
    expect(await d.work('15:31:02')).toEqual(['send exit 25']);
  });
});

test('a slice over ten lost minutes walks the whole ladder, and only its end is sent', async () => {
  const d = await heldSince('10:05:01', '10:05:01.5', { quotes: [PUT, ['P600', '10:07', 2.1, 2.2]] });
  await d.to('10:17');
  expect((await d.work('10:17')).sort()).toEqual([
    ...Array(5).fill('drop exit canceled: never sent'),
    'send exit 25',
  ]);
  expect((await orders(d)).at(-1)).toBe('exit#6 buy 25 P600 market accepted');
});

describe.each([
  ['over midnight', '2026-06-23', '2026-06-24', '2026-06-26'],
  ['over a weekend', '2026-07-10', '2026-07-13', '2026-07-14'],
  ['over the weekend on which summer time ends', '2026-10-30', '2026-11-02', '2026-11-06'],
  ['over the weekend on which it begins', '2027-03-12', '2027-03-15', '2027-03-19'],
])('a position that is carried %s', (_, date, next, expiration) => {
  const open = (options: Cased = {}): Promise<Desk> =>
    heldSince('10:05:01', '10:05:01.5', { date, expiration, to: `${next} 16:15:00`, ...options });

  test('because its exit expired unfilled is closed at market as soon as the next day is walked', async () => {
    const d = await open();
    await d.to('15:30:00.1');
    await d.work('15:30:00.2');
    await d.to('15:31');
    await d.work('15:31');
    await d.report('15:31:01');
    expect(await d.work('15:31:01')).toEqual(['send exit 25']);
    d.venue.end(d.last('exit').id, 'expired');
    // Nobody was there to see it end: on the next day it is asked for still.
    await d.to(`${next} 09:00:00`);
    expect(await d.look(`${next} 09:00:00`)).toEqual([]);
    await d.report(`${next} 09:00:01`);
    await d.to(`${next} 09:00:02`);
    expect(await d.work(`${next} 09:00:02`)).toEqual(['send exit 25']);
    d.fill('exit', 25, 1.5, `${next} 09:30:00`);
    await d.report(`${next} 09:30:01`);
    await d.to(`${next} 09:30:02`);
    expect(await slots(d)).toEqual([null]);
  });

  test('because its exit was never sent is given another one, not that of yesterday', async () => {
    const d = await open();
    await d.to('15:31');
    await d.to(`${next} 09:00:00`);
    const done = await d.work(`${next} 09:00:01`);
    expect(new Set(done)).toEqual(
      new Set(['drop exit canceled: never sent', 'drop exit canceled: of an earlier day']),
    );
    await d.to(`${next} 09:00:02`);
    expect(await d.work(`${next} 09:00:02`)).toEqual(['send exit 25']);
  });

  test('although its exit filled: that is found out, and no other one is sent', async () => {
    const d = await open();
    await d.to('15:30:00.1');
    await d.work('15:30:00.2');
    d.fill('exit', 25, 1.1, '15:30:01');
    await d.to(`${next} 09:00:00`);
    expect(
      (await d.work(`${next} 09:00:00`, 'accepted', () => false)).filter((line) => line.startsWith('send')),
    ).toEqual([]);
    await d.report(`${next} 09:00:01`);
    await d.work(`${next} 09:00:01`);
    await d.to(`${next} 09:00:02`);
    expect(await slots(d)).toEqual([null]);
    expect(d.refused).toEqual([]);
  });

  test('by an entry whose end nobody saw', async () => {
    const d = await entering({ date, expiration, to: `${next} 16:15:00` });
    await d.to(`${next} 09:00:00`);
    expect(await d.work(`${next} 09:00:00`)).toEqual(['cancel entry as decided']);
    d.venue.end(d.last('entry').id, 'expired');
    await d.report(`${next} 09:00:01`);
    await d.to(`${next} 09:00:02`);
    expect(await slots(d)).toEqual([null]);
  });
});

test('an entry of yesterday that was never sent is denied', async () => {
  const d = await desk({ date: '2026-06-23', expiration: '2026-06-26', to: '2026-06-25 00:00:00' });
  await d.to('10:05:01');
  expect(await d.work('2026-06-24 09:31:00')).toEqual(['drop entry denied: too late']);
});
