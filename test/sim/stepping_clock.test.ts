// The clock that a simulated session shares.
import { describe, expect, it } from 'vitest';
import { addMs } from '../../core/eastern_time.ts';
import { steppingClock } from '../../sim/stepping_clock.ts';
import { at } from './sessions.ts';

const start = at('2026-11-20 09:00:00');

describe('a stepping clock', () => {
  it('stands still until it is moved and never runs backwards', () => {
    const clock = steppingClock(start);
    expect(clock.now()).toBe(start);
    clock.moveTo(addMs(start, 1000));
    expect(clock.now()).toBe(addMs(start, 1000));
    expect(() => clock.moveTo(start)).toThrow('backwards');
  });

  it('wakes those that are due, earliest first, and only when told', async () => {
    const clock = steppingClock(start);
    const woken: string[] = [];
    const sleeps = [
      clock.sleep(2000).then(() => woken.push('two')),
      clock.sleep(1000).then(() => woken.push('one')),
    ];
    void clock.sleep(9000).then(() => woken.push('nine'));
    clock.moveTo(addMs(start, 3000));
    await Promise.resolve();
    expect(woken).toEqual([]);
    clock.wake();
    await Promise.all(sleeps);
    expect(woken).toEqual(['one', 'two']);
  });

  it('ends a sleep at an abort, and one of no length at once', async () => {
    const clock = steppingClock(start);
    const stop = new AbortController();
    const aborted = clock.sleep(1000, stop.signal);
    stop.abort();
    await aborted;
    await clock.sleep(1000, stop.signal);
    await clock.sleep(0);
    expect(clock.now()).toBe(start);
  });
});
