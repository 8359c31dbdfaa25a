// What keeps the order jobs from asking too often, and from missing that something has happened.
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { addMs } from '../../../core/eastern_time.ts';
import { faultOf, NO_FAULT } from '../../../jobs/orders/fault.ts';
import { createReadBudget } from '../../../jobs/orders/read_budget.ts';
import { createSchedule } from '../../../jobs/orders/schedule.ts';
import { createWaker } from '../../../jobs/orders/waker.ts';
import { steppingClock } from '../../../sim/stepping_clock.ts';
import { at, openOrder } from './terms.ts';

const NOW = at('10:05:00');

describe('the read budget', () => {
  it('allows a burst, and then so many a minute', () => {
    const clock = steppingClock(NOW);
    const budget = createReadBudget({ perMinute: 60, burst: 20 }, clock);
    let reads = 0;
    for (let second = 0; second < 120; second += 1) {
      while (budget.waitMs() === 0) {
        budget.spend();
        reads += 1;
      }
      clock.moveTo(addMs(clock.now(), 1000));
    }
    expect(reads).toBe(20 + 119);
  });

  it('says how long to wait, and that is enough', () => {
    const clock = steppingClock(NOW);
    const budget = createReadBudget({ perMinute: 30, burst: 2 }, clock);
    // A pass that has begun may overdraw.
    for (let read = 0; read < 5; read += 1) budget.spend();
    const waitMs = budget.waitMs();
    expect(waitMs).toBe(8000);
    clock.moveTo(addMs(NOW, waitMs));
    expect(budget.waitMs()).toBe(0);
  });
});

describe('the schedule', () => {
  const accepted = openOrder({ state: 'accepted', venue_order_id: '101', ts_state: NOW });

  it.each([
    ['a young order every second', accepted, 500, 1000],
    ['one that works every two', { ...accepted, ts_state: at('10:04:00') }, 1999, 2000],
    [
      'a stop that rests every fifteen',
      { ...accepted, purpose: 'protect' as const, ts_state: at('10:04:00') },
      14_999,
      15_000,
    ],
    ['one that has ended every five', { ...accepted, state: 'canceled' as const }, 4999, 5000],
  ])('reads %s', (_, order, tooSoonMs, dueMs) => {
    const schedule = createSchedule();
    expect(schedule.isDue(order, NOW)).toBe(true);
    schedule.wasRead(order, NOW);
    expect(schedule.isDue(order, addMs(NOW, tooSoonMs))).toBe(false);
    expect(schedule.isDue(order, addMs(NOW, dueMs))).toBe(true);
  });

  it('reads no order to which nothing can happen', () => {
    const schedule = createSchedule();
    for (const state of ['filled', 'rejected'] as const) {
      expect(schedule.isDue({ ...accepted, state }, NOW)).toBe(false);
    }
  });

  it('hurries for a second after a hint', () => {
    const schedule = createSchedule();
    const resting = { ...accepted, purpose: 'protect' as const, ts_state: at('10:04:00') };
    schedule.wasRead(resting, NOW);
    schedule.hurry(NOW);
    expect(schedule.isDue(resting, addMs(NOW, 200))).toBe(true);
    expect(schedule.isDue(resting, addMs(NOW, 1001))).toBe(false);
  });

  it('looks soon after a hint, and then after ever longer pauses', () => {
    const schedule = createSchedule();
    const resting = { ...accepted, purpose: 'protect' as const, ts_state: at('10:04:00') };
    schedule.fullPassDone(NOW);
    schedule.wasRead(resting, NOW);
    schedule.hurry(NOW);
    const looks: number[] = [];
    for (let ms = 0; ms < 2000; ms += schedule.waitMs(addMs(NOW, ms))) {
      if (!schedule.isDue(resting, addMs(NOW, ms))) continue;
      schedule.wasRead(resting, addMs(NOW, ms));
      looks.push(ms);
    }
    expect(looks).toEqual([50, 100, 200, 400, 800]);
    // Another hint is followed at once, a flood of them not more often than that.
    schedule.hurry(addMs(NOW, 900));
    expect(schedule.isDue(resting, addMs(NOW, 900))).toBe(true);
    schedule.wasRead(resting, addMs(NOW, 900));
    schedule.hurry(addMs(NOW, 920));
    expect(schedule.isDue(resting, addMs(NOW, 930))).toBe(false);
    expect(schedule.isDue(resting, addMs(NOW, 950))).toBe(true);
  });

  it('lets an order that could not be read alone for a second, whatever hints come', () => {
    const schedule = createSchedule();
    schedule.wasNotRead(accepted, NOW);
    schedule.hurry(addMs(NOW, 500));
    expect(schedule.isDue(accepted, addMs(NOW, 999))).toBe(false);
    expect(schedule.isDue(accepted, addMs(NOW, 1000))).toBe(true);
    // The clock was set back.
    expect(schedule.isDue(accepted, addMs(NOW, -3_600_000))).toBe(true);
    schedule.wasNotRead(accepted, NOW);
    schedule.keep([]);
    expect(schedule.isDue(accepted, NOW)).toBe(true);
  });

  it('reads everything at once, then every minute, sooner when asked but not again within two seconds', () => {
    const schedule = createSchedule();
    expect(schedule.isFullPassDue(NOW)).toBe(true);
    schedule.fullPassDone(NOW);
    expect(schedule.isFullPassDue(addMs(NOW, 59_999))).toBe(false);
    expect(schedule.isFullPassDue(addMs(NOW, 60_000))).toBe(true);
    schedule.wantPositions(0, addMs(NOW, 500));
    expect(schedule.isFullPassDue(addMs(NOW, 1999))).toBe(false);
    expect(schedule.isFullPassDue(addMs(NOW, 2000))).toBe(true);
  });
});

describe('the waker', () => {
  it('does not lose what happened before the sleep', async () => {
    const waker = createWaker();
    waker.wake();
    await waker.sleep(60_000, { clock: systemClock(), signal: new AbortController().signal });
  });

  it('ends a sleep when woken, and when the signal is aborted', async () => {
    const waker = createWaker();
    const ending = new AbortController();
    const options = { clock: systemClock(), signal: ending.signal };
    const sleeping = waker.sleep(60_000, options);
    waker.wake();
    await sleeping;
    const again = waker.sleep(60_000, options);
    ending.abort();
    await again;
  });
});

describe('a fault', () => {
  const asked = { STRIKEBASE_FAULT: 'after_send' };

  it('is nothing without being asked for, and nothing at a real broker', () => {
    expect(faultOf({}, 'http://127.0.0.1:1')).toBe(NO_FAULT);
    for (const url of ['https://api.schwabapi.com', 'http://127.0.0.1.example.com', 'not a url', '']) {
      expect(faultOf(asked, url)).toBe(NO_FAULT);
    }
    expect(faultOf(asked, 'http://127.0.0.1:1')).not.toBe(NO_FAULT);
  });

  it('strikes at its own place and purpose only', () => {
    const fault = faultOf({ STRIKEBASE_FAULT: 'after_send:exit' }, 'http://127.0.0.1:1');
    // Were it to strike, this process would be gone.
    fault('after_send', 'entry');
    fault('before_submit_event', 'exit');
  });
});
