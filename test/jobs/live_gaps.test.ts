// How long the loop of a live run leaves hints alone: not while a period is ripe.
import { expect, test } from 'vitest';
import type { Clock } from '../../core/clock.ts';
import { addMs, type EasternUs, parseEastern } from '../../core/eastern_time.ts';
import { followLive, type LiveRun } from '../../jobs/live.ts';

const NOW = parseEastern('2026-06-17 10:00:00') as EasternUs;

/** What the loop sleeps after a step, while a period becomes ripe `ripeMs` from now. */
async function sleepsBeside(ripeMs: number): Promise<number[]> {
  const sleeps: number[] = [];
  const ending = new AbortController();
  const clock: Clock = {
    kind: 'simulated',
    now: () => NOW,
    sleep: async (ms) => void sleeps.push(ms),
  };
  const run: LiveRun = {
    ...{ runId: 1, account: 'test', isResumed: false, beganAt: NOW },
    isOver: () => false,
    ripeAt: () => addMs(NOW, ripeMs),
    step: async () => null,
    onHint: () => {
      ending.abort();
      return () => undefined;
    },
    close: async (outcome) => ({ runId: 1, outcome }),
  };
  await followLive(run, { clock, signal: ending.signal });
  return sleeps;
}

test('hints rest for 20 ms after a look', async () => {
  expect(await sleepsBeside(30_000)).toEqual([20]);
});

test('no longer than to the instant at which a period is ripe', async () => {
  expect(await sleepsBeside(7)).toEqual([7]);
});

test('not at all from then on', async () => {
  expect(await sleepsBeside(0)).toEqual([]);
  expect(await sleepsBeside(-1500)).toEqual([]);
});

test('but again where the feed itself is behind', async () => {
  expect(await sleepsBeside(-2500)).toEqual([20]);
});
