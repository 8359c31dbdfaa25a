// Cancels: asked for once, and what the order did meanwhile.
import { describe, expect } from 'vitest';
import { eventually } from '../../../harness.ts';
import type { Fault, Subject } from '../contract.ts';
import { caseOf, ordersOf, reported, shortPosition, submitted, waitingOrder } from './support.ts';

export function cancelCases(subject: Subject): void {
  const { near } = subject.contracts;
  const orders = ordersOf(subject);

  describe('a cancel', () => {
    caseOf(subject, 'of a waiting order is requested, then done', async (world) => {
      const id = await waitingOrder(world, subject);
      expect(await world.broker.cancel(id)).toEqual({ kind: 'requested' });
      const report = await reported(world, id, 'canceled');
      expect(report).toMatchObject({ filledQty: 0, fills: [] });
      expect(world.venue.orders()).toMatchObject([{ id, isLive: false, filledQty: 0 }]);
    });

    caseOf(subject, 'keeps what was filled before', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000, sz: 10 });
      const id = await submitted(world, orders.sell({ qty: 25 }));
      await eventually(async () => expect((await world.broker.order(id))?.filledQty).toBe(10));
      expect((await world.broker.cancel(id)).kind).toBe('requested');
      const report = await reported(world, id, 'canceled');
      expect(report.filledQty).toBe(10);
      expect(report.fills).toMatchObject([{ qty: 10, px_e4: 12_500 }]);
      expect(world.venue.positionOf(near)).toBe(-10);
    });

    caseOf(subject, 'that comes after the fill changes nothing', async (world) => {
      const id = await shortPosition(world, subject);
      expect((await world.broker.cancel(id)).kind).toBe('refused');
      expect(await world.broker.order(id)).toMatchObject({ state: 'filled', filledQty: 1 });
      expect(world.venue.positionOf(near)).toBe(-1);
    });

    caseOf(subject, 'that meets a fill on its way leaves the order filled', async (world) => {
      const id = await waitingOrder(world, subject, 3);
      world.venue.fault('cancel', 'fill_first');
      await world.broker.cancel(id);
      const report = await reported(world, id, 'filled');
      expect(report.filledQty).toBe(3);
      expect(report.fills.reduce((sum, fill) => sum + fill.qty, 0)).toBe(3);
      expect(world.venue.positionOf(near)).toBe(-3);
    });

    caseOf(
      subject,
      'that is followed by a late fill ends with that fill in the report',
      async (world) => {
        const id = await waitingOrder(world, subject, 2);
        world.venue.fault('cancel', 'fill_late');
        await world.broker.cancel(id);
        await eventually(async () => {
          const report = await world.broker.order(id);
          expect(report?.fills.reduce((sum, fill) => sum + fill.qty, 0)).toBe(2);
          expect(report?.filledQty).toBe(2);
        });
        expect(world.venue.positionOf(near)).toBe(-2);
      },
      { needs: 'wire' },
    );

    caseOf(subject, 'of an order that the broker does not know is refused', async (world) => {
      expect((await world.broker.cancel('999999999')).kind).toBe('refused');
      expect((await world.broker.cancel('no id at all')).kind).toBe('refused');
    });

    caseOf(subject, 'that is asked for twice does no harm', async (world) => {
      const id = await waitingOrder(world, subject);
      const outcomes = await Promise.all([world.broker.cancel(id), world.broker.cancel(id)]);
      expect(outcomes.some((outcome) => outcome.kind === 'requested')).toBe(true);
      await reported(world, id, 'canceled');
    });

    caseOf(
      subject,
      'that the broker refuses leaves the order working',
      async (world) => {
        const id = await waitingOrder(world, subject);
        world.venue.fault('cancel', 'refused');
        expect((await world.broker.cancel(id)).kind).toBe('refused');
        expect((await world.broker.order(id))?.state).toBe('working');
        expect(world.venue.orders()[0]?.isLive).toBe(true);
      },
      { needs: 'wire' },
    );

    const lost: readonly [string, Fault][] = [
      ['no answer', 'lost_after'],
      ['a reset', 'reset_after'],
      ['a server error', 'error_after'],
    ];
    for (const [title, fault] of lost) {
      caseOf(
        subject,
        `that is carried out and meets ${title} is unknown, and the report tells`,
        async (world) => {
          const id = await waitingOrder(world, subject);
          world.venue.fault('cancel', fault);
          expect((await world.broker.cancel(id)).kind).toBe('unknown');
          await reported(world, id, 'canceled');
          expect(world.venue.requests('cancel')).toBe(1);
        },
        { needs: 'wire' },
      );
    }

    caseOf(
      subject,
      'that was lost before is unknown, and can be asked for again',
      async (world) => {
        const id = await waitingOrder(world, subject);
        world.venue.fault('cancel', 'reset_before');
        expect((await world.broker.cancel(id)).kind).toBe('unknown');
        expect((await world.broker.order(id))?.state).toBe('working');
        expect((await world.broker.cancel(id)).kind).toBe('requested');
        await reported(world, id, 'canceled');
      },
      { needs: 'wire' },
    );

    caseOf(
      subject,
      'takes a resting stop away',
      async (world) => {
        await shortPosition(world, subject);
        const id = await submitted(world, orders.stop());
        await reported(world, id, 'working');
        expect((await world.broker.cancel(id)).kind).toBe('requested');
        await reported(world, id, 'canceled');
        world.venue.setQuote(near, { bid_e4: 30_000, ask_e4: 30_500 });
        expect(world.venue.positionOf(near)).toBe(-1);
      },
      { needs: 'stops' },
    );
  });
}
