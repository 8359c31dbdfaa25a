// Clocks that are wrong: entries are barred, exits go on, and a clock that is set back sends nothing twice.
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../core/clock.ts';
import { addMs, formatEastern } from '../../../core/eastern_time.ts';
import { checkReadiness } from '../../../jobs/readiness.ts';
import { createWorld, goOn, openJobs, openPosition, PUT, send } from '../orders/world.ts';
import { useBench } from '../support/connections.ts';

const bench = useBench();

function skewed(ms: number): Clock {
  const real = systemClock();
  return { ...real, now: () => addMs(real.now(), ms) };
}

describe('a clock', () => {
  it.each([5000, -5000, 3_600_000, -3_600_000, 700])('that is %d ms off is a red check', async (ms) => {
    const client = bench.runner();
    const options = { client, clock: skewed(ms), strategy: 'vwap_ma9', feedIds: [], broker: null };
    const checks = await checkReadiness(options);
    const clock = checks.find(({ name }) => name === 'clock');
    expect(clock?.isOk).toBe(false);
    expect(Number(/(\d+) ms apart/.exec(clock?.detail ?? '')?.[1])).toBeGreaterThan(Math.abs(ms) - 250);
  });

  it('that is right is a green one', async () => {
    const options = {
      client: bench.runner(),
      clock: systemClock(),
      strategy: 'vwap_ma9',
      feedIds: [],
      broker: null,
    };
    const checks = await checkReadiness(options);
    expect(checks.find(({ name }) => name === 'clock')?.isOk).toBe(true);
  });

  it('that was found wrong bars entries at a broker until it is right, and no exit', async () => {
    const world = await createWorld(bench);
    const jobs = await openJobs(world);
    const check = async (isOk: boolean): Promise<void> => {
      const values = [formatEastern(world.now()), isOk];
      await world.pool.query(
        "insert into ops.readiness_checks (ts, name, ok, detail) values ($1, 'clock', $2, 'test')",
        values,
      );
    };
    await check(false);
    world.moveTo('10:05:00.2');
    await world.slice();
    await send(jobs);
    expect(world.venue.submitted).toEqual([]);
    await check(true);
  });

  it('that is set back an hour sends nothing twice, and keeps the position covered', async () => {
    const world = await createWorld(bench, { speed: 1 });
    const jobs = await openPosition(world);
    expect(world.venue.working().map(({ order }) => order.type)).toEqual(['stop']);
    const sent = world.venue.submitted.length;
    world.moveTo(-3_600_000);
    await goOn(world, jobs, 2000);
    expect(world.venue.submitted.length).toBe(sent);
    world.moveTo(3_600_000);
    await goOn(world, jobs, 2000);
    expect(world.venue.submitted.length).toBe(sent);
    expect(world.venue.working().map(({ order }) => order.type)).toEqual(['stop']);
    expect(await world.held()).toEqual({ [PUT]: -25 });
  });
});
