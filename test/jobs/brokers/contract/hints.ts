// Hints: something has changed, look again.
import { describe, expect } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { eventually } from '../../../harness.ts';
import type { Subject, UnderTest } from '../contract.ts';
import { caseOf, ordersOf, submitted, waitingOrder } from './support.ts';

// Longer than any debounce: what has not come by then does not come.
const QUIET_MS = 400;

export function hintCases(subject: Subject): void {
  const { near } = subject.contracts;
  const orders = ordersOf(subject);
  const hintCase = (title: string, run: (world: UnderTest) => Promise<void>): void =>
    caseOf(subject, title, run, { needs: 'hints' });

  async function listening(world: UnderTest): Promise<{ count(): number; reset(): void; stop(): void }> {
    let count = 0;
    const stop = world.broker.onHint(() => {
      count += 1;
    });
    await eventually(() => expect(world.venue.hearsHints()).toBe(true));
    // The connection itself is a hint: what happened before it is not told.
    await eventually(() => expect(count).toBeGreaterThan(0));
    return {
      count: () => count,
      reset: () => {
        count = 0;
      },
      stop,
    };
  }

  describe('a hint', () => {
    hintCase('comes with a fill', async (world) => {
      const id = await waitingOrder(world, subject);
      const hints = await listening(world);
      hints.reset();
      world.venue.setQuote(near, { bid_e4: 20_000, ask_e4: 20_500 });
      await eventually(() => expect(hints.count()).toBeGreaterThan(0));
      expect((await world.broker.order(id))?.state).toBe('filled');
    });

    hintCase('comes with an order of somebody else', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const hints = await listening(world);
      hints.reset();
      world.venue.manualOrder(orders.sell());
      await eventually(() => expect(hints.count()).toBeGreaterThan(0));
    });

    hintCase('stands for a burst of news', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_000, ask_e4: 13_000 });
      const id = await submitted(world, orders.sell({ qty: 20 }));
      const hints = await listening(world);
      await systemClock().sleep(QUIET_MS);
      hints.reset();
      for (let i = 0; i < 20; i += 1) world.venue.fill(id, 1);
      await eventually(() => expect(hints.count()).toBeGreaterThan(0));
      await systemClock().sleep(QUIET_MS);
      expect(hints.count()).toBeLessThanOrEqual(3);
    });

    hintCase('goes to every listener, and to none that has stopped', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const first = await listening(world);
      let second = 0;
      world.broker.onHint(() => {
        second += 1;
      });
      first.stop();
      await systemClock().sleep(QUIET_MS);
      first.reset();
      second = 0;
      world.venue.manualOrder(orders.sell());
      await eventually(() => expect(second).toBeGreaterThan(0));
      expect(first.count()).toBe(0);
    });

    hintCase('comes again after the connection broke, also for what happened meanwhile', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const hints = await listening(world);
      await systemClock().sleep(QUIET_MS);
      hints.reset();
      world.venue.dropHints();
      world.venue.manualOrder(orders.sell());
      await eventually(() => expect(world.venue.hearsHints()).toBe(true));
      await eventually(() => expect(hints.count()).toBeGreaterThan(0));
      await systemClock().sleep(QUIET_MS);
      hints.reset();
      world.venue.manualOrder(orders.sell());
      await eventually(() => expect(hints.count()).toBeGreaterThan(0));
    });

    hintCase('does not come after closing', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const hints = await listening(world);
      await world.broker.close();
      hints.reset();
      world.venue.manualOrder(orders.sell());
      await systemClock().sleep(QUIET_MS);
      expect(hints.count()).toBe(0);
    });
  });
}
