// Replacements: a new order for an old one, which may fill first.
import { describe, expect } from 'vitest';
import { eventually } from '../../../harness.ts';
import type { Capability, Subject, UnderTest } from '../contract.ts';
import { caseOf, found, ordersOf, reported, shortPosition, waitingOrder } from './support.ts';

export function replaceCases(subject: Subject): void {
  const { near } = subject.contracts;
  const orders = ordersOf(subject);
  const replaceCase = (
    title: string,
    run: (world: UnderTest) => Promise<void>,
    alsoNeeds: readonly Capability[] = [],
  ): void => caseOf(subject, title, run, { needs: ['replacing', ...alsoNeeds] });
  const lower = orders.sell({ limit_px_e4: 19_000 });
  const live = (world: UnderTest): number => world.venue.orders().filter((order) => order.isLive).length;

  describe('a replacement', () => {
    replaceCase('is a new order, and the old one is at its end', async (world) => {
      const id = await waitingOrder(world, subject);
      const outcome = await world.broker.replace(id, lower);
      if (outcome.kind !== 'submitted') throw new Error(`not submitted: ${JSON.stringify(outcome)}`);
      expect(outcome.venueOrderId).not.toBe(id);
      await reported(world, id, 'replaced');
      expect(await reported(world, outcome.venueOrderId, 'working')).toMatchObject({ order: lower });
      expect(live(world)).toBe(1);
    });

    replaceCase('fills at its own limit', async (world) => {
      const id = await waitingOrder(world, subject);
      const outcome = await world.broker.replace(id, orders.sell());
      if (outcome.kind !== 'submitted') throw new Error(`not submitted: ${JSON.stringify(outcome)}`);
      expect((await reported(world, outcome.venueOrderId, 'filled')).fills).toMatchObject([
        { px_e4: 12_500 },
      ]);
      expect(world.venue.positionOf(near)).toBe(-1);
    });

    replaceCase('of an order that fills first does not trade twice', async (world) => {
      const id = await waitingOrder(world, subject, 2);
      world.venue.fault('replace', 'fill_first');
      await world.broker.replace(id, orders.sell({ qty: 2 }));
      await eventually(async () => {
        const report = await world.broker.order(id);
        expect(report).toMatchObject({ filledQty: 2 });
      });
      await eventually(() => expect(live(world)).toBe(0));
      expect(world.venue.positionOf(near)).toBe(-2);
    });

    replaceCase('of an order that has filled is not taken', async (world) => {
      const id = await shortPosition(world, subject);
      const outcome = await world.broker.replace(id, lower);
      expect(outcome.kind).not.toBe('submitted');
      expect(live(world)).toBe(0);
      expect(world.venue.positionOf(near)).toBe(-1);
    });

    replaceCase('of an order that the broker does not know is not taken', async (world) => {
      world.venue.setQuote(near, { bid_e4: 12_500, ask_e4: 13_000 });
      expect((await world.broker.replace('999999999', lower)).kind).toBe('rejected');
      expect((await world.broker.replace('no id at all', lower)).kind).toBe('not_sent');
      expect(world.venue.orders()).toEqual([]);
    });

    for (const fault of ['lost_after', 'reset_after', 'error_after'] as const) {
      replaceCase(
        `that is carried out and ends in ${fault} is unknown, and found again`,
        async (world) => {
          const id = await waitingOrder(world, subject);
          world.venue.fault('replace', fault);
          expect((await world.broker.replace(id, lower)).kind).toBe('unknown');
          await reported(world, id, 'replaced');
          expect(await found(world, lower)).toHaveLength(1);
          expect(live(world)).toBe(1);
          expect(world.venue.requests('replace')).toBe(1);
        },
        ['wire'],
      );
    }

    for (const fault of ['lost_before', 'reset_before', 'error_before'] as const) {
      replaceCase(
        `that is not carried out and ends in ${fault} is unknown, and the old order works`,
        async (world) => {
          const id = await waitingOrder(world, subject);
          world.venue.fault('replace', fault);
          expect((await world.broker.replace(id, lower)).kind).toBe('unknown');
          expect((await world.broker.order(id))?.state).toBe('working');
          expect(await found(world, lower)).toEqual([]);
          expect(world.venue.requests('replace')).toBe(1);
        },
        ['wire'],
      );
    }

    replaceCase('that is refused leaves the old order working', async (world) => {
      const id = await waitingOrder(world, subject);
      world.venue.fault('replace', 'refused');
      expect((await world.broker.replace(id, lower)).kind).toBe('rejected');
      expect((await world.broker.order(id))?.state).toBe('working');
      expect(live(world)).toBe(1);
    });

    replaceCase('by an order that is none is not sent', async (world) => {
      const id = await waitingOrder(world, subject);
      expect((await world.broker.replace(id, orders.sell({ legs: [] }))).kind).toBe('not_sent');
      expect(world.venue.requests('replace')).toBe(0);
    });
  });
}
