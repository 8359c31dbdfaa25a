// The two clocks, on a machine time that the test turns by hand.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { acceleratedClock, systemClock } from '../../core/clock.ts';
import { type EasternUs, formatEastern, parseEastern } from '../../core/eastern_time.ts';

const open = parseEastern('2026-01-05 09:30') as EasternUs;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  vi.setSystemTime('2026-01-05T14:30:00Z');
});

afterEach(() => {
  vi.useRealTimers();
});

test('the system clock tells Eastern time and says that it is the system’s', () => {
  const clock = systemClock();
  expect(formatEastern(clock.now())).toBe('2026-01-05 09:30:00');
  expect(clock.kind).toBe('system');
});

test('an accelerated clock starts where it is told, and a minute takes a second at speed 60', async () => {
  const clock = acceleratedClock({ start: open, speed: 60 });
  expect(clock.now()).toBe(open);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(formatEastern(clock.now())).toBe('2026-01-05 09:31:00');
  expect(clock.kind).toBe('simulated');
});

test('a sleep is as long as its own clock says', async () => {
  const clock = acceleratedClock({ start: open, speed: 60 });
  let hasWoken = false;
  const sleep = clock.sleep(60_000).then(() => {
    hasWoken = true;
  });
  await vi.advanceTimersByTimeAsync(999);
  expect(hasWoken).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await sleep;
  expect(formatEastern(clock.now())).toBe('2026-01-05 09:31:00');
});

test('an aborted sleep ends at once and leaves no timer behind', async () => {
  const controller = new AbortController();
  const sleep = systemClock().sleep(3_600_000, controller.signal);
  controller.abort();
  await sleep;
  expect(vi.getTimerCount()).toBe(0);
  await systemClock().sleep(3_600_000, controller.signal);
  expect(vi.getTimerCount()).toBe(0);
});
