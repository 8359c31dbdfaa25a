// Looking at orders: one, or all since a time, also when the first answer is none.
import { describe, expect } from 'vitest';
import { addMs } from '../../../../core/eastern_time.ts';
import { Failure } from '../../../../core/failure.ts';
import type { Fault, Subject } from '../contract.ts';
import { caseOf, ordersOf, reported, shortPosition, submitted, waitingOrder } from './support.ts';

export function readCases(subject: Subject): void {
  const { near } = subject.contracts;
  const orders = ordersOf(subject);

  describe('one order', () => {
    caseOf(subject, 'that the broker does not know is null', async (world) => {
      expect(await world.broker.order('999999999')).toBeNull();
      expect(await world.broker.order('no id at all')).toBeNull();
    });

    caseOf(subject, 'is the same however often it is read', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000, sz: 2 });
      const id = await submitted(world, orders.sell({ qty: 4 }));
      world.venue.fill(id, 1);
      const first = await world.broker.order(id);
      expect(first?.fills.length).toBeGreaterThan(1);
      expect(await world.broker.order(id)).toEqual(first);
    });

    const troubles: readonly Fault[] = [
      'error_before',
      'reset_before',
      'lost_before',
      'half_answer',
      'rate_limited',
    ];
    for (const fault of troubles) {
      caseOf(
        subject,
        `is read in spite of one ${fault}`,
        async (world) => {
          const id = await waitingOrder(world, subject);
          world.venue.fault('order', fault);
          expect((await world.broker.order(id))?.venueOrderId).toBe(id);
        },
        { needs: 'wire' },
      );
    }

    caseOf(
      subject,
      'is read with a new token when the old one is refused',
      async (world) => {
        const id = await waitingOrder(world, subject);
        world.venue.fault('order', 'unauthorized');
        expect((await world.broker.order(id))?.venueOrderId).toBe(id);
      },
      { needs: 'logins that die' },
    );

    caseOf(
      subject,
      'cannot be read when nobody is there, and that is no "null"',
      async (world) => {
        const id = await waitingOrder(world, subject);
        await world.venue.stop();
        await expect(world.broker.order(id)).rejects.toBeInstanceOf(Failure);
      },
      { needs: 'wire' },
    );
  });

  describe('the list of orders', () => {
    caseOf(subject, 'has every state', async (world) => {
      const filled = await shortPosition(world, subject);
      const canceled = await waitingOrder(world, subject);
      await world.broker.cancel(canceled);
      await reported(world, canceled, 'canceled');
      world.venue.fault('submit', 'reject_later');
      const rejected = await submitted(world, orders.buy({ limit_px_e4: 100 }));
      await reported(world, rejected, 'rejected');
      const working = await waitingOrder(world, subject);
      const reports = await world.broker.ordersSince(addMs(world.venue.now(), -60_000));
      expect(new Map(reports.map((report) => [report.venueOrderId, report.state]))).toEqual(
        new Map([
          [filled, 'filled'],
          [canceled, 'canceled'],
          [rejected, 'rejected'],
          [working, 'working'],
        ]),
      );
    });

    caseOf(subject, 'agrees with the order read alone', async (world) => {
      const id = await shortPosition(world, subject, 2);
      const reports = await world.broker.ordersSince(addMs(world.venue.now(), -60_000));
      expect(reports.find((report) => report.venueOrderId === id)).toEqual(await world.broker.order(id));
    });

    caseOf(subject, 'has orders that were not sent by us', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const id = world.venue.manualOrder(orders.sell({ qty: 3 }));
      const reports = await world.broker.ordersSince(addMs(world.venue.now(), -60_000));
      expect(reports.map((report) => report.venueOrderId)).toContain(id);
    });

    caseOf(subject, 'begins at the time that is asked for', async (world) => {
      await waitingOrder(world, subject);
      expect(await world.broker.ordersSince(addMs(world.venue.now(), 3_600_000))).toEqual([]);
    });

    caseOf(subject, 'is empty where there is none', async (world) => {
      expect(await world.broker.ordersSince(addMs(world.venue.now(), -60_000))).toEqual([]);
    });

    for (const fault of ['error_before', 'half_answer', 'reset_before'] as const) {
      caseOf(
        subject,
        `is whole in spite of one ${fault}`,
        async (world) => {
          await waitingOrder(world, subject);
          await waitingOrder(world, subject);
          world.venue.fault('orders', fault);
          expect(await world.broker.ordersSince(addMs(world.venue.now(), -60_000))).toHaveLength(2);
        },
        { needs: 'wire' },
      );
    }

    caseOf(
      subject,
      'cannot be read when nobody is there, and that is no empty list',
      async (world) => {
        await waitingOrder(world, subject);
        await world.venue.stop();
        await expect(world.broker.ordersSince(world.venue.now())).rejects.toBeInstanceOf(Failure);
      },
      { needs: 'wire' },
    );
  });
}
