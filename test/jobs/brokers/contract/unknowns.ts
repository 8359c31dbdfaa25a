// Orders whose outcome is not known: sent once, never again, and found (or not) by looking.
import { describe, expect } from 'vitest';
import { eventually } from '../../../harness.ts';
import type { Fault, Subject } from '../contract.ts';
import { caseOf, found, ordersOf, reported, send, shortPosition, submitted } from './support.ts';

const TAKEN: readonly [string, Fault][] = [
  ['is never answered', 'lost_after'],
  ['meets a reset', 'reset_after'],
  ['is answered with a server error', 'error_after'],
];
const NOT_TAKEN: readonly [string, Fault][] = [
  ['is never answered', 'lost_before'],
  ['meets a reset', 'reset_before'],
  ['is answered with a server error', 'error_before'],
];

export function unknownCases(subject: Subject): void {
  const { near } = subject.contracts;
  const orders = ordersOf(subject);

  describe('an order that the broker takes and that', () => {
    for (const [title, fault] of TAKEN) {
      caseOf(
        subject,
        `${title} is unknown, one, and found again`,
        async (world) => {
          world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
          world.venue.fault('submit', fault);
          expect((await send(world, orders.sell())).kind).toBe('unknown');
          expect(world.venue.requests('submit')).toBe(1);
          expect(world.venue.orders()).toHaveLength(1);
          const [report, ...more] = await found(world, orders.sell());
          expect(more).toEqual([]);
          expect(report?.venueOrderId).toBe(world.venue.orders()[0]?.id);
        },
        { needs: 'wire' },
      );

      caseOf(
        subject,
        `${title} as an exit is unknown and closes once`,
        async (world) => {
          await shortPosition(world, subject);
          world.venue.fault('submit', fault);
          expect((await send(world, orders.market(orders.buy()))).kind).toBe('unknown');
          expect(world.venue.positionOf(near)).toBe(0);
          const [report] = await found(world, orders.market(orders.buy()));
          expect(report).toMatchObject({ state: 'filled', filledQty: 1 });
          expect(await world.broker.positions()).toEqual([]);
        },
        { needs: 'wire' },
      );
    }

    caseOf(
      subject,
      'is answered without an id is unknown, and found again',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        world.venue.fault('submit', 'no_id');
        expect((await send(world, orders.sell())).kind).toBe('unknown');
        expect(await found(world, orders.sell())).toHaveLength(1);
        expect(world.venue.requests('submit')).toBe(1);
      },
      { needs: 'answers without an id' },
    );

    caseOf(
      subject,
      'is answered with the id of another order is unknown',
      async (world) => {
        const first = await shortPosition(world, subject);
        world.venue.fault('submit', 'wrong_id');
        expect((await send(world, orders.buy())).kind).toBe('unknown');
        const [report, ...more] = await found(world, orders.buy());
        expect(more).toEqual([]);
        expect(report?.venueOrderId).not.toBe(first);
        expect(world.venue.positionOf(near)).toBe(0);
      },
      { needs: 'answers without an id' },
    );

    caseOf(
      subject,
      'shows in the list only later is found then',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        world.venue.fault('submit', 'late_list');
        const outcome = await send(world, orders.sell());
        expect(['submitted', 'unknown']).toContain(outcome.kind);
        await eventually(async () => expect(await found(world, orders.sell())).toHaveLength(1));
        expect(world.venue.orders()).toHaveLength(1);
      },
      { needs: 'wire' },
    );
  });

  describe('an order that the broker does not take and that', () => {
    for (const [title, fault] of NOT_TAKEN) {
      caseOf(
        subject,
        `${title} is unknown, and is not found`,
        async (world) => {
          world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
          world.venue.fault('submit', fault);
          expect((await send(world, orders.sell())).kind).toBe('unknown');
          expect(world.venue.requests('submit')).toBe(1);
          expect(world.venue.orders()).toEqual([]);
          expect(await found(world, orders.sell())).toEqual([]);
          expect(await world.broker.positions()).toEqual([]);
        },
        { needs: 'wire' },
      );
    }

    caseOf(
      subject,
      'is unknown leaves the broker usable',
      async (world) => {
        world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
        world.venue.fault('submit', 'reset_before');
        expect((await send(world, orders.sell())).kind).toBe('unknown');
        await reported(world, await submitted(world, orders.sell()), 'filled');
        expect(world.venue.positionOf(near)).toBe(-1);
      },
      { needs: 'wire' },
    );
  });
}
