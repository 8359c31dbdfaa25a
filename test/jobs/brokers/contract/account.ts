// Positions, money, and what must hold before an entry.
import { describe, expect } from 'vitest';
import { Failure } from '../../../../core/failure.ts';
import { eventually } from '../../../harness.ts';
import type { Subject } from '../contract.ts';
import { caseOf, ordersOf, reported, send, shortPosition, submitted } from './support.ts';

export function accountCases(subject: Subject): void {
  const { near, far } = subject.contracts;
  const orders = ordersOf(subject);

  describe('positions', () => {
    caseOf(subject, 'of a flat account are none', async (world) => {
      expect(await world.broker.positions()).toEqual([]);
    });

    caseOf(subject, 'are negative when short, with the price of the sale', async (world) => {
      await shortPosition(world, subject, 3);
      const [position, ...more] = await world.broker.positions();
      expect(more).toEqual([]);
      expect(position).toMatchObject({ symbol: near, qty: -3, avg_px_e4: 12_500 });
      expect(position?.market_value ?? -1).toBeLessThan(0);
    });

    caseOf(
      subject,
      'of a vertical are one short and one long',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 9300, ask_e4: 9500 });
        world.venue.setQuote(far, { bid_e4: 4500, ask_e4: 4700 });
        await reported(world, await submitted(world, orders.openVertical({ qty: 2 })), 'filled');
        const positions = await world.broker.positions();
        expect(new Map(positions.map((each) => [each.symbol, each.qty]))).toEqual(
          new Map([
            [near, -2],
            [far, 2],
          ]),
        );
      },
      { needs: 'spreads' },
    );

    caseOf(subject, 'are gone after the exit', async (world) => {
      await shortPosition(world, subject);
      await reported(world, await submitted(world, orders.buy()), 'filled');
      expect(await world.broker.positions()).toEqual([]);
    });

    caseOf(subject, 'show what was traded on the broker’s own page', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      world.venue.manualOrder(orders.sell({ qty: 2 }));
      await eventually(async () => {
        expect(await world.broker.positions()).toMatchObject([{ symbol: near, qty: -2 }]);
      });
    });

    caseOf(
      subject,
      'may lag behind a fill, and catch up',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        world.venue.fault('submit', 'late_positions');
        await reported(world, await submitted(world, orders.sell()), 'filled');
        await eventually(async () => {
          expect(await world.broker.positions()).toMatchObject([{ symbol: near, qty: -1 }]);
        });
      },
      { needs: 'wire' },
    );

    caseOf(
      subject,
      'are shares after an assignment',
      async (world) => {
        await shortPosition(world, subject, 2);
        world.venue.assign(near, 2);
        await eventually(async () => {
          const positions = await world.broker.positions();
          expect(positions.map((each) => each.symbol)).toEqual([near.slice(0, 6).trimEnd()]);
          expect(Math.abs(positions[0]?.qty ?? 0)).toBe(200);
        });
      },
      { needs: 'assignment' },
    );

    for (const fault of ['error_before', 'half_answer'] as const) {
      caseOf(
        subject,
        `are read in spite of one ${fault}`,
        async (world) => {
          await shortPosition(world, subject);
          world.venue.fault('positions', fault);
          expect(await world.broker.positions()).toHaveLength(1);
        },
        { needs: 'wire' },
      );
    }

    caseOf(
      subject,
      'cannot be read when nobody is there, and that is not flat',
      async (world) => {
        await shortPosition(world, subject);
        await world.venue.stop();
        await expect(world.broker.positions()).rejects.toBeInstanceOf(Failure);
      },
      { needs: 'wire' },
    );
  });

  describe('the account', () => {
    caseOf(subject, 'has money, and less of it to spend with a short position', async (world) => {
      const before = await world.broker.account();
      expect(before.buyingPower).toBeGreaterThan(0);
      expect(before.equity).toBeGreaterThan(0);
      expect(before.isClosingOnly).toBe(false);
      await shortPosition(world, subject, 10);
      const after = await world.broker.account();
      expect(after.buyingPower).toBeLessThan(before.buyingPower);
    });

    caseOf(
      subject,
      'that is restricted says so, in its checks too, and takes exits only',
      async (world) => {
        await shortPosition(world, subject);
        world.venue.restrictToClosing();
        expect((await world.broker.account()).isClosingOnly).toBe(true);
        expect((await world.broker.checks()).filter((check) => !check.isOk)).toHaveLength(1);
        const entry = await send(world, orders.sell());
        if (entry.kind === 'submitted') await reported(world, entry.venueOrderId, 'rejected');
        await reported(world, await submitted(world, orders.buy()), 'filled');
        expect(world.venue.positionOf(near)).toBe(0);
      },
      { needs: 'accounts restricted to closing' },
    );
  });

  describe('the checks before an entry', () => {
    caseOf(subject, 'hold while all is well, each under a name of its own', async (world) => {
      const checks = await world.broker.checks();
      expect(checks.length).toBeGreaterThan(0);
      expect(checks.filter((check) => !check.isOk)).toEqual([]);
      expect(new Set(checks.map((check) => check.name)).size).toBe(checks.length);
      expect(checks.every((check) => check.detail.length > 3)).toBe(true);
    });

    caseOf(
      subject,
      'fail without throwing when nobody is there',
      async (world) => {
        await world.venue.stop();
        expect((await world.broker.checks()).some((check) => !check.isOk)).toBe(true);
      },
      { needs: 'wire' },
    );

    caseOf(
      subject,
      'fail when the login has died',
      async (world) => {
        expect((await world.broker.checks()).every((check) => check.isOk)).toBe(true);
        world.venue.loseLogin();
        expect((await world.broker.checks()).some((check) => !check.isOk)).toBe(true);
      },
      { needs: 'logins that die' },
    );
  });
}
