// The way out: nothing that protects a position is taken away before it is known what is to be closed, and a read that fails stops nothing.
import { expect, it } from 'vitest';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import type { Broker, BrokerOrder } from '../../jobs/brokers/broker.ts';
import { flatten } from '../../jobs/flatten.ts';
import { leapingClock } from '../clocks.ts';
import { createVenue } from '../db/orders/venue.ts';
import { at } from '../sim/sessions.ts';

const PUT = 'QQQ   260617P00600000' as OsiSymbol;
const terms = { qty: 25, limit_px_e4: null, stop_px_e4: null };
const entry: BrokerOrder = {
  ...{ ...terms, type: 'market', isCredit: true },
  legs: [{ symbol: PUT, side: 'sell', effect: 'open', ratio: 1 }],
};
const stop: BrokerOrder = {
  ...{ ...terms, type: 'stop', stop_px_e4: 20_000, isCredit: false },
  legs: [{ symbol: PUT, side: 'buy', effect: 'close', ratio: 1 }],
};

/** 25 puts short with their stop; reads fail as often as told. */
function shortWithStop(failures: { positions?: number; orders?: number }) {
  const clock = leapingClock(at('2026-06-17 11:00'));
  const venue = createVenue(clock);
  const opened = venue.manual(entry);
  venue.fill(opened.id, 25);
  venue.manual(stop);
  const left = { positions: 0, orders: 0, ...failures };
  const failing = <T>(kind: 'positions' | 'orders', read: () => Promise<T>): Promise<T> => {
    left[kind] -= 1;
    return left[kind] >= 0 ? Promise.reject(new Error('429')) : read();
  };
  const broker: Broker = {
    ...venue.broker,
    positions: () => failing('positions', venue.broker.positions),
    ordersSince: (from) => failing('orders', () => venue.broker.ordersSince(from)),
    submit: async (order, about) => {
      const outcome = await venue.broker.submit(order, about);
      venue.fillMarkets();
      return outcome;
    },
  };
  const steps: string[] = [];
  const interruption = new AbortController();
  const options = { broker, clock, symbols: null, onStep: (text: string) => void steps.push(text) };
  const run = () => flatten({ ...options, signal: interruption.signal, patienceMs: 2000 });
  return { venue, steps, interruption, run };
}

it('cancels the stop and closes the position', async () => {
  const { venue, run } = shortWithStop({});
  expect(await run()).toEqual({ canceled: 1, closed: 1, working: [], open: [] });
  expect(venue.positionOf(PUT)).toBe(0);
});

it('asks again for positions that cannot be read, and leaves the stop until they are', async () => {
  const { venue, run, steps } = shortWithStop({ positions: 3 });
  expect(await run()).toMatchObject({ closed: 1, open: [] });
  expect(steps.findIndex((step) => step.startsWith('cancel'))).toBeGreaterThan(
    steps.findLastIndex((step) => step.includes('429')),
  );
  expect(venue.positionOf(PUT)).toBe(0);
});

it('takes nothing away where the positions stay unknown', async () => {
  const { venue, run } = shortWithStop({ positions: 1000 });
  await expect(run()).rejects.toThrow('429');
  expect(venue.working()).toHaveLength(1);
  expect(venue.positionOf(PUT)).toBe(-25);
});

it('tries to close although the orders cannot be read at first', async () => {
  const { venue, run, steps } = shortWithStop({ orders: 7 });
  expect(await run()).toMatchObject({ open: [], working: [] });
  expect(steps.join('\n')).toContain('closing all the same');
  expect(venue.positionOf(PUT)).toBe(0);
});

it('leaves the stop to a position that it could not close, though the orders can be read at last', async () => {
  const { venue, run } = shortWithStop({ orders: 15 });
  venue.manual({ ...entry, type: 'limit', limit_px_e4: 90_000 });
  // The entry goes, the stop stays.
  expect(await run()).toMatchObject({ canceled: 1, open: [{ symbol: PUT, qty: -25 }], working: [{}] });
  expect(venue.working()).toMatchObject([{ order: stop }]);
});

it('takes no stop away once it is interrupted', async () => {
  const { venue, run, interruption } = shortWithStop({});
  interruption.abort();
  expect(await run()).toMatchObject({ canceled: 0, closed: 0 });
  expect(venue.working()).toMatchObject([{ order: stop }]);
});

it('cancels what works where nothing is open', async () => {
  const { venue, run } = shortWithStop({});
  const [, resting] = venue.orders;
  venue.fill(resting?.id ?? '', 25);
  venue.manual(entry);
  expect(await run()).toEqual({ canceled: 1, closed: 0, working: [], open: [] });
});
