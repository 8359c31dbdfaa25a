// Orders that go well: taken, filled, and reported as they are.
import { describe, expect } from 'vitest';
import type { Subject } from '../contract.ts';
import { caseOf, found, ordersOf, reported, send, shortPosition, submitted } from './support.ts';

export function submitCases(subject: Subject): void {
  const { near, far, other } = subject.contracts;
  const orders = ordersOf(subject);

  describe('an order that is taken', () => {
    caseOf(subject, 'sells at the bid and is reported filled', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const id = await submitted(world, orders.sell());
      const report = await reported(world, id, 'filled');
      expect(report).toMatchObject({ venueOrderId: id, filledQty: 1, detail: null });
      expect(report.fills).toMatchObject([{ legNo: 1, qty: 1, px_e4: 12_500 }]);
      expect(world.venue.positionOf(near)).toBe(-1);
      expect(world.venue.orders()).toMatchObject([{ id, isLive: false, isEntry: true, filledQty: 1 }]);
    });

    caseOf(subject, 'buys back at the ask and leaves nothing', async (world) => {
      await shortPosition(world, subject, 3);
      const id = await submitted(world, orders.buy({ qty: 3 }));
      expect((await reported(world, id, 'filled')).fills).toMatchObject([{ qty: 3, px_e4: 13_000 }]);
      expect(world.venue.positionOf(near)).toBe(0);
    });

    caseOf(subject, 'is reported with the legs, quantity and limit that were sent', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const order = orders.sell({ qty: 7, limit_px_e4: 20_000 });
      const report = await reported(world, await submitted(world, order), 'working');
      expect(report.order).toEqual(order);
      expect(Math.abs(report.enteredAt - world.venue.now()) / 1e6).toBeLessThan(30);
      expect(report.fills).toEqual([]);
    });

    caseOf(subject, 'waits while its limit is not met, and fills when it is', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const id = await submitted(world, orders.sell({ limit_px_e4: 12_600 }));
      expect(await reported(world, id, 'working')).toMatchObject({ filledQty: 0 });
      world.venue.setQuote(near, { bid_e4: 12_600, ask_e4: 13_000 });
      expect((await reported(world, id, 'filled')).fills).toMatchObject([{ px_e4: 12_600 }]);
    });

    caseOf(subject, 'fills at a better price than its limit', async (world) => {
      world.venue.setQuote(near, { bid_e4: 14_000, ask_e4: 14_500 });
      const report = await reported(world, await submitted(world, orders.sell()), 'filled');
      expect(report.fills).toMatchObject([{ px_e4: 14_000 }]);
      expect(report.order.limit_px_e4).toBe(12_500);
    });

    caseOf(subject, 'trades at the market', async (world) => {
      await shortPosition(world, subject);
      world.venue.setQuote(near, { bid_e4: 30_000, ask_e4: 31_700 });
      const report = await reported(world, await submitted(world, orders.market(orders.buy())), 'filled');
      expect(report.order).toMatchObject({ type: 'market', limit_px_e4: null, stop_px_e4: null });
      expect(report.fills).toMatchObject([{ px_e4: 31_700 }]);
    });

    caseOf(
      subject,
      'rests as a stop and buys when the price is reached',
      async (world) => {
        await shortPosition(world, subject);
        const id = await submitted(world, orders.stop());
        const waiting = await reported(world, id, 'working');
        expect(waiting.order).toMatchObject({ type: 'stop', stop_px_e4: 25_000, limit_px_e4: null });
        world.venue.setQuote(near, { bid_e4: 25_000, ask_e4: 25_500 });
        expect((await reported(world, id, 'filled')).fills).toMatchObject([{ px_e4: 25_500 }]);
        expect(world.venue.positionOf(near)).toBe(0);
      },
      { needs: 'stops' },
    );

    caseOf(
      subject,
      'opens a vertical with a price for each leg',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 9300, ask_e4: 9500 });
        world.venue.setQuote(far, { bid_e4: 4500, ask_e4: 4700 });
        const order = orders.openVertical({ qty: 2 });
        const report = await reported(world, await submitted(world, order), 'filled');
        expect(report).toMatchObject({ filledQty: 2, order });
        expect([...report.fills].sort((a, b) => a.legNo - b.legNo)).toMatchObject([
          { legNo: 1, qty: 2, px_e4: 9300 },
          { legNo: 2, qty: 2, px_e4: 4700 },
        ]);
        expect([world.venue.positionOf(near), world.venue.positionOf(far)]).toEqual([-2, 2]);
      },
      { needs: 'spreads' },
    );

    caseOf(
      subject,
      'closes a vertical for a debit',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 9300, ask_e4: 9500 });
        world.venue.setQuote(far, { bid_e4: 4500, ask_e4: 4700 });
        await reported(world, await submitted(world, orders.openVertical()), 'filled');
        const report = await reported(world, await submitted(world, orders.closeVertical()), 'filled');
        expect(report.order).toEqual(orders.closeVertical());
        expect([world.venue.positionOf(near), world.venue.positionOf(far)]).toEqual([0, 0]);
      },
      { needs: 'spreads' },
    );

    caseOf(
      subject,
      'waits as a vertical while its net price is not met',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 9300, ask_e4: 9500 });
        world.venue.setQuote(far, { bid_e4: 5000, ask_e4: 5200 });
        const id = await submitted(world, orders.openVertical());
        expect(await reported(world, id, 'working')).toMatchObject({ filledQty: 0, fills: [] });
        world.venue.setQuote(far, { bid_e4: 4500, ask_e4: 4700 });
        await reported(world, id, 'filled');
      },
      { needs: 'spreads' },
    );
  });

  describe('a partial fill', () => {
    caseOf(subject, 'is working with what was filled, and each fill counts once', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000, sz: 10 });
      const id = await submitted(world, orders.sell({ qty: 25 }));
      const partial = await reported(world, id, 'working');
      expect(partial).toMatchObject({ filledQty: 10 });
      expect(partial.fills.map((fill) => fill.qty)).toEqual([10]);
      world.venue.setQuote(near, { bid_e4: 12_600, ask_e4: 13_000, sz: 15 });
      const report = await reported(world, id, 'filled');
      expect(report.filledQty).toBe(25);
      expect(report.fills.map((fill) => [fill.qty, fill.px_e4])).toEqual([
        [10, 12_500],
        [15, 12_600],
      ]);
      expect(report.fills[0]?.executionId).toBe(partial.fills[0]?.executionId);
    });

    caseOf(subject, 'of one contract at a time adds up', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_000, ask_e4: 13_000 });
      const id = await submitted(world, orders.sell({ qty: 5 }));
      await reported(world, id, 'working');
      for (let done = 1; done < 5; done += 1) {
        world.venue.fill(id, 1);
        const report = await world.broker.order(id);
        expect(report).toMatchObject({ state: 'working', filledQty: done });
        expect(report?.fills).toHaveLength(done);
      }
      world.venue.fill(id, 1);
      const report = await reported(world, id, 'filled');
      expect(new Set(report.fills.map((fill) => fill.executionId)).size).toBe(5);
      expect(world.venue.positionOf(near)).toBe(-5);
    });

    caseOf(
      subject,
      'of a vertical fills both legs alike',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 9300, ask_e4: 9500, sz: 3 });
        world.venue.setQuote(far, { bid_e4: 4500, ask_e4: 4700, sz: 5 });
        const id = await submitted(world, orders.openVertical({ qty: 4 }));
        const report = await reported(world, id, 'working');
        expect(report).toMatchObject({ filledQty: 3 });
        expect(report.fills.map((fill) => fill.qty)).toEqual([3, 3]);
        expect(new Set(report.fills.map((fill) => fill.executionId)).size).toBe(2);
      },
      { needs: 'spreads' },
    );
  });

  describe('several orders', () => {
    caseOf(subject, 'sent at once are one order each', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      world.venue.setQuote(other, { bid_e4: 12_500, ask_e4: 13_000 });
      const legs = [{ symbol: other, side: 'sell', effect: 'open', ratio: 1 }] as const;
      const ids = await Promise.all([
        submitted(world, orders.sell()),
        submitted(world, orders.sell({ legs })),
      ]);
      expect(new Set(ids).size).toBe(2);
      expect(world.venue.orders().map((order) => order.id)).toEqual(expect.arrayContaining([...ids]));
      for (const [i, id] of ids.entries()) {
        const report = await reported(world, id, 'filled');
        expect(report.order.legs[0]?.symbol).toBe(i === 0 ? near : other);
      }
    });

    caseOf(subject, 'alike are told apart by their ids', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const order = orders.sell({ limit_px_e4: 20_000 });
      const ids = [await submitted(world, order), await submitted(world, order)];
      expect(new Set(ids).size).toBe(2);
      const reports = await found(world, order);
      expect(reports.map((report) => report.venueOrderId).sort()).toEqual([...ids].sort());
    });
  });

  describe('a client id', () => {
    caseOf(subject, 'is in reports exactly where the broker says that it keeps it', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      const outcome = await world.broker.submit(orders.sell(), { clientId: 'contract-x', priority: 'entry' });
      if (outcome.kind !== 'submitted') throw new Error(`not submitted: ${JSON.stringify(outcome)}`);
      const report = await world.broker.order(outcome.venueOrderId);
      expect(report?.clientId).toBe(world.broker.keepsClientIds ? 'contract-x' : null);
      expect(world.broker.keepsClientIds).toBe(subject.cannot['client ids'] === undefined);
    });

    caseOf(
      subject,
      'that was used before places nothing',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        const about = { clientId: 'contract-y', priority: 'entry' } as const;
        expect((await world.broker.submit(orders.sell(), about)).kind).toBe('submitted');
        expect((await world.broker.submit(orders.sell(), about)).kind).not.toBe('submitted');
        expect(world.venue.orders()).toHaveLength(1);
      },
      { needs: 'client ids' },
    );
  });

  describe('the limit of requests', () => {
    caseOf(
      subject,
      'stops entries before it stops exits and cancels',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        const order = orders.sell({ limit_px_e4: 20_000 });
        const id = await submitted(world, order);
        await submitted(world, order);
        expect((await send(world, order)).kind).toBe('not_sent');
        expect(world.venue.orders()).toHaveLength(2);
        expect((await world.broker.cancel(id)).kind).toBe('requested');
        expect(['submitted', 'rejected', 'unknown']).toContain((await send(world, orders.buy())).kind);
        expect(world.venue.requests('submit')).toBe(3);
      },
      { limits: 'tiny', needs: 'limits of requests' },
    );
  });
}
