// The stop that rests at the broker while a position is open: written once, never beside an exit, never larger than the position.
import { describe, expect, test } from 'vitest';
import { brokerBench, PUT } from '../support/broker_bench.ts';
import { useBench } from '../support/connections.ts';
import { later } from '../support/desk.ts';
import type { QuoteSpec } from '../support/scenario.ts';

const bench = useBench();
const { entering, holding, orders, slots, intentOf, exits, one } = brokerBench(bench);
const STOP: QuoteSpec = ['P600', '10:07', 2.1, 2.2];
const CHEAP: QuoteSpec = ['P600', '10:08', 1.1, 1.12];

describe('the protective stop', () => {
  test('is written once, however often the run is advanced', async () => {
    const d = await holding();
    for (const time of ['10:05:04', '10:06', '10:06:01', '10:20']) {
      await d.to(time);
      expect(await d.work(time)).toEqual([]);
    }
    expect(await orders(d)).toHaveLength(2);
  });

  test('costs what the strategy says, in the contract’s increments', async () => {
    const settings = { stop_loss_ratio: 2.5, protect_ratio: 1.51 };
    expect((await orders(await holding({ settings }))).at(-1)).toBe(
      'protect#2 buy 25 P600 stop 3.78 accepted',
    );
    const none = await holding({ settings: { stop_loss_ratio: null } });
    expect((await orders(none)).at(-1)).toBe('protect#2 buy 25 P600 stop 4.00 accepted');
  });

  test('that fills ends the position without a decision of ours, and frees the slot', async () => {
    const d = await holding({ quotes: [PUT, CHEAP] });
    d.fill('protect', 25, 4.1, '10:06:30');
    await d.report('10:06:31');
    await d.to('10:06:32');
    expect(await slots(d)).toEqual([null]);
    expect(await exits(d)).toEqual([]);
    const trip = await one('select to_jsonb(t) as value from trade.round_trips t where t.account = $1', [
      d.account,
    ]);
    expect(trip).toMatchObject({ exit_reason: 'protective_stop', exit_decision_id: null, gross: -7750 });
    await d.to('15:31');
    expect(await d.look('15:31')).toEqual([]);
  });

  test('whose fill is known before its end keeps the slot until then', async () => {
    const d = await holding({ quotes: [PUT, STOP], until: '15:31' });
    d.fill('protect', 25, 4.1, '10:06:30');
    const protect = await intentOf(d, 'protect');
    await bench
      .runner()
      .query("select trade.record_fill($1, $2, 'x', $3, 1::smallint, 25, 41000)", [
        protect,
        d.epoch(),
        d.at('10:06:30'),
      ]);
    // Over a quote that would be its stop, and the forced flat.
    for (const time of ['10:06:40', '10:07:30', '15:31']) await d.to(time);
    expect(await slots(d)).toEqual(['10:05:00']);
    expect(await exits(d)).toEqual([]);
    await d.event(protect, 'filled', '15:31:01');
    await d.to('15:31:02');
    expect(await slots(d)).toEqual([null]);
  });

  test('that fills while our exit waits for it leaves nothing to send', async () => {
    const d = await holding({ quotes: [PUT, STOP] });
    await d.to('10:07:00.1');
    expect(await d.work('10:07:00.2', 'accepted', () => false)).toEqual([
      'cancel protect the exit goes first',
    ]);
    d.fill('protect', 25, 4.1, '10:07:00');
    await d.report('10:07:01');
    expect(await d.work('10:07:01.1')).toEqual(['drop exit canceled: nothing is open']);
    await d.to('10:07:01.2');
    expect(await slots(d)).toEqual([null]);
    expect(d.refused).toEqual([]);
  });

  test('that fills in part leaves the rest to our exit', async () => {
    const d = await holding({ quotes: [PUT, STOP] });
    d.fill('protect', 10, 4.1, '10:06:30');
    await d.report('10:06:31');
    await d.to('10:06:32');
    // Its own rest is of the right size.
    expect(await d.look('10:06:32')).toEqual([]);
    await d.to('10:07:00.1');
    await d.work('10:07:00.2');
    await d.report('10:07:01');
    expect(await d.work('10:07:01')).toEqual(['send exit 15']);
    d.fill('exit', 15, 2.2, '10:07:01');
    await d.report('10:07:02');
    await d.to('10:07:02.1');
    expect(await slots(d)).toEqual([null]);
  });

  test('of unknown fate blocks the exit until it is settled', async () => {
    const d = await entering({ quotes: [PUT, STOP] });
    d.fill('entry', 25, 1.0, '10:05:01');
    await d.report('10:05:02');
    await d.to('10:05:02.1');
    await d.work('10:05:02.2', 'lost');
    await d.to('10:07:00.1');
    expect(await d.look('10:07:00.1')).toEqual([]);
    await d.event(await intentOf(d, 'protect'), 'canceled', '10:07:01', null, 'not found at the broker');
    expect(await d.work('10:07:01')).toEqual(['send exit 25']);
  });

  test('that was not sent yet is dropped when the exit is decided', async () => {
    const d = await entering({ quotes: [PUT, STOP] });
    d.fill('entry', 25, 1.0, '10:05:01');
    await d.report('10:05:02');
    await d.to('10:05:02.1');
    await d.to('10:07:00.1');
    expect(await d.work('10:07:00.2')).toEqual([
      'drop protect canceled: the exit goes first',
      'send exit 25',
    ]);
  });

  test('is replaced by one of the right size when a fill of the entry comes late', async () => {
    const d = await entering();
    d.fill('entry', 10, 1.0, '10:05:02');
    await d.to('10:05:06.1');
    await d.work('10:05:06.2', 'accepted', () => false);
    await d.report('10:05:06.5');
    await d.event(await intentOf(d, 'entry'), 'canceled', '10:05:06.6');
    await d.to('10:05:06.7');
    expect(await d.work('10:05:06.8')).toEqual(['send protect 10']);
    d.fill('entry', 7, 1.0, '10:05:06');
    d.venue.end(d.last('entry').id, 'canceled');
    await d.report('10:05:10');
    for (const time of ['10:05:11', '10:05:11.1']) await d.to(time);
    expect(await d.work('10:05:11.2')).toEqual(['cancel protect as decided']);
    await d.report('10:05:12');
    await d.to('10:05:12.1');
    expect(await d.work('10:05:12.2')).toEqual(['send protect 17']);
    expect(await orders(d)).toEqual([
      'entry#1 sell 25 P600 limit 1.00 canceled 17',
      'protect#2 buy 10 P600 stop 4.00 canceled',
      'protect#3 buy 17 P600 stop 4.00 accepted',
    ]);
  });

  test('that is refused three times is told to people, and tried once a minute', async () => {
    const d = await entering();
    d.fill('entry', 25, 1.0, '10:05:01');
    await d.report('10:05:02');
    const sentAt: string[] = [];
    for (let ms = 0; ms < 150_000; ms += 500) {
      const time = later('10:05:02', ms);
      await d.to(later(time, 100));
      if ((await d.work(later(time, 200), 'rejected')).length > 0) sentAt.push(time.slice(3, 8));
    }
    expect(sentAt).toEqual(['05:02', '05:04', '05:07', '06:07', '07:08']);
    const alerts = await one(
      "select array_agg(severity || ': ' || regexp_replace(text, '[0-9]+', 'N')) as value from ops.alert_outbox where key = 'protect-' || $1",
      [
        (
          await d
            .run()
            .client.query('select position_id as id from trade.position_slots where account = $1', [
              d.account,
            ])
        ).rows[0].id,
      ],
    );
    expect(alerts).toEqual(['critical: the protective stop of position N is refused by the broker']);
    // Our own is armed all the same.
    expect(await slots(d)).toEqual(['10:05:00']);
  });

  test('that ends with the day is written again, and that is no refusal', async () => {
    const d = await holding();
    for (const minute of ['11:00', '12:00', '13:00', '14:00']) {
      d.venue.end(d.last('protect').id, 'expired');
      await d.report(`${minute}:00`);
      await d.to(`${minute}:00.1`);
      expect(await d.work(`${minute}:00.2`)).toEqual(['send protect 25']);
    }
  });
});
