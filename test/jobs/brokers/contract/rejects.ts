// Orders that the broker refuses, at once or a moment later, and orders that do not leave us.
import { describe, expect } from 'vitest';
import { errorText } from '../../../../core/failure.ts';
import { eventually } from '../../../harness.ts';
import type { Subject } from '../contract.ts';
import { caseOf, ordersOf, send, shortPosition, submitted } from './support.ts';

export function rejectCases(subject: Subject): void {
  const { near } = subject.contracts;
  const orders = ordersOf(subject);

  describe('an order that is refused', () => {
    caseOf(subject, 'at once is rejected with the broker’s words, and is not there', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      world.venue.fault('submit', 'refused');
      const outcome = await send(world, orders.sell());
      expect(outcome.kind).toBe('rejected');
      expect((outcome as { reason: string }).reason.length).toBeGreaterThan(3);
      expect(world.venue.orders()).toEqual([]);
    });

    caseOf(subject, 'a moment after it was taken is reported rejected, with the reason', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      world.venue.fault('submit', 'reject_later');
      const id = await submitted(world, orders.sell());
      const report = await eventually(async () => {
        const seen = await world.broker.order(id);
        expect(seen?.state).toBe('rejected');
        return seen;
      });
      expect(report?.detail).toMatch(/\w+/);
      expect(report?.fills).toEqual([]);
      expect(world.venue.positionOf(near)).toBe(0);
    });

    caseOf(subject, 'as an exit leaves the position, and can be sent again', async (world) => {
      await shortPosition(world, subject);
      world.venue.fault('submit', 'reject_later');
      const id = await submitted(world, orders.buy());
      await eventually(async () => expect((await world.broker.order(id))?.state).toBe('rejected'));
      expect(world.venue.positionOf(near)).toBe(-1);
      const again = await submitted(world, orders.buy());
      await eventually(async () => expect((await world.broker.order(again))?.state).toBe('filled'));
      expect(world.venue.positionOf(near)).toBe(0);
    });

    caseOf(subject, 'because it closes more than is held never fills', async (world) => {
      await shortPosition(world, subject);
      const outcome = await send(world, orders.buy({ qty: 2 }));
      if (outcome.kind === 'submitted') {
        const id = outcome.venueOrderId;
        await eventually(async () => expect((await world.broker.order(id))?.state).toBe('rejected'));
      } else expect(outcome.kind).toBe('rejected');
      expect(world.venue.positionOf(near)).toBe(-1);
    });

    caseOf(
      subject,
      'for too many requests is not there',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        world.venue.fault('submit', 'rate_limited');
        expect((await send(world, orders.sell(), 'exit')).kind).toBe('rejected');
        expect(world.venue.orders()).toEqual([]);
        expect(world.venue.requests('submit')).toBe(1);
      },
      { needs: 'wire' },
    );

    caseOf(
      subject,
      'for its token is not there, and the next one is taken',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        world.venue.fault('submit', 'unauthorized');
        expect((await send(world, orders.sell())).kind).toBe('rejected');
        expect(world.venue.orders()).toEqual([]);
        await submitted(world, orders.sell());
        expect(world.venue.requests('submit')).toBe(2);
      },
      { needs: 'logins that die' },
    );
  });

  describe('an order that does not leave us', () => {
    caseOf(subject, 'has no legs', async (world) => {
      expect((await send(world, orders.sell({ legs: [] }))).kind).toBe('not_sent');
      expect(world.venue.requests('submit')).toBe(0);
    });

    caseOf(subject, 'has no quantity', async (world) => {
      for (const qty of [0, -1, 1.5, Number.NaN]) {
        expect((await send(world, orders.sell({ qty }))).kind).toBe('not_sent');
      }
      expect(world.venue.requests('submit')).toBe(0);
    });

    caseOf(subject, 'has a limit of zero, or none', async (world) => {
      for (const limit_px_e4 of [0, -100, null]) {
        expect((await send(world, orders.sell({ limit_px_e4 }))).kind).toBe('not_sent');
      }
      expect(world.venue.requests('submit')).toBe(0);
    });

    caseOf(
      subject,
      'finds nobody at the broker’s address',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        await submitted(world, orders.sell());
        await world.venue.stop();
        const outcome = await send(world, orders.sell());
        expect(outcome.kind).toBe('not_sent');
        expect(world.venue.orders()).toHaveLength(1);
      },
      { needs: 'wire' },
    );

    caseOf(subject, 'may not leave any more when everything else is ready', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const about = { clientId: 'contract-late', priority: 'entry', obstacle: () => 'too late' } as const;
      expect(await world.broker.submit(orders.sell(), about)).toEqual({
        kind: 'not_sent',
        reason: 'too late',
      });
      expect(world.venue.orders()).toHaveLength(0);
      // Nothing was sent under that id.
      const { kind } = await world.broker.submit(orders.sell(), { ...about, obstacle: () => null });
      expect(kind).toBe('submitted');
    });

    caseOf(subject, 'comes after the broker was closed', async (world) => {
      await world.broker.close();
      expect((await send(world, orders.sell())).kind).toBe('not_sent');
      expect((await world.broker.cancel('1')).kind).not.toBe('requested');
      expect((await world.broker.replace('1', orders.sell())).kind).toBe('not_sent');
      for (const read of [
        () => world.broker.order('1'),
        () => world.broker.positions(),
        () => world.broker.account(),
        () => world.broker.ordersSince(world.venue.now()),
      ]) {
        const error = await read().then(
          () => null,
          (thrown: unknown) => errorText(thrown),
        );
        expect(error).toMatch(/closed/);
      }
      expect((await world.broker.checks()).some((check) => !check.isOk)).toBe(true);
      expect(world.venue.requests('submit')).toBe(0);
    });

    caseOf(
      subject,
      'has no token',
      async (world) => {
        world.venue.loseLogin();
        // The first may still be sent with the token that has just died, and is refused.
        expect((await send(world, orders.sell())).kind).not.toBe('submitted');
        expect((await send(world, orders.sell())).kind).toBe('not_sent');
        expect(world.venue.orders()).toEqual([]);
      },
      { needs: 'logins that die' },
    );
  });
}
