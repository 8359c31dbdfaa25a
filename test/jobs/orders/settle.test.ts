// Which states a broker's report leads to: forward only, filled only when its fills add up, and nothing when it says nothing new.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VenueState } from '../../../jobs/brokers/broker.ts';
import type { OrderState } from '../../../jobs/orders/records.ts';
import { statesAfter } from '../../../jobs/orders/settle.ts';
import { fillOf, openOrder, reportOf } from './terms.ts';

interface Case {
  readonly from: OrderState;
  readonly state: VenueState;
  readonly filled?: number;
  readonly newFills?: number;
  readonly to: readonly OrderState[];
}

const CASES: readonly Case[] = [
  { from: 'accepted', state: 'working', to: [] },
  { from: 'unknown', state: 'working', to: ['accepted'] },
  { from: 'submitted', state: 'working', to: ['accepted'] },
  { from: 'accepted', state: 'working', filled: 10, newFills: 1, to: ['partially_filled'] },
  { from: 'partially_filled', state: 'working', filled: 10, newFills: 0, to: [] },
  { from: 'partially_filled', state: 'working', filled: 20, newFills: 1, to: ['partially_filled'] },
  { from: 'partially_filled', state: 'working', filled: 0, to: [] },
  { from: 'accepted', state: 'filled', filled: 25, newFills: 1, to: ['filled'] },
  { from: 'unknown', state: 'filled', filled: 25, newFills: 1, to: ['filled'] },
  // Some of its executions are not told yet.
  { from: 'accepted', state: 'filled', filled: 10, newFills: 1, to: ['partially_filled'] },
  { from: 'accepted', state: 'filled', filled: 0, to: [] },
  { from: 'accepted', state: 'unknown', filled: 0, to: [] },
  { from: 'accepted', state: 'canceled', to: ['canceled'] },
  { from: 'accepted', state: 'canceled', filled: 10, newFills: 1, to: ['partially_filled', 'canceled'] },
  { from: 'partially_filled', state: 'canceled', filled: 10, to: ['canceled'] },
  // The cancel came too late.
  { from: 'accepted', state: 'canceled', filled: 25, newFills: 1, to: ['filled'] },
  { from: 'accepted', state: 'rejected', to: ['rejected'] },
  { from: 'accepted', state: 'rejected', filled: 1, newFills: 1, to: ['partially_filled', 'canceled'] },
  // An answer that has lost the fills it told before.
  { from: 'partially_filled', state: 'rejected', to: ['canceled'] },
  { from: 'accepted', state: 'expired', to: ['expired'] },
  { from: 'accepted', state: 'replaced', to: ['canceled'] },
  // After its end.
  { from: 'canceled', state: 'canceled', to: [] },
  { from: 'canceled', state: 'working', to: [] },
  { from: 'canceled', state: 'canceled', filled: 5, newFills: 1, to: ['partially_filled', 'canceled'] },
  { from: 'canceled', state: 'canceled', filled: 5, newFills: 0, to: [] },
  { from: 'canceled', state: 'filled', filled: 25, newFills: 2, to: ['filled'] },
  { from: 'expired', state: 'expired', filled: 5, newFills: 1, to: ['partially_filled', 'expired'] },
  { from: 'filled', state: 'working', filled: 25, to: [] },
  { from: 'filled', state: 'filled', filled: 25, to: [] },
];

describe('a report', () => {
  it.each(CASES)('of an order $from that is $state with $filled filled: $to', (each) => {
    const { from, state, filled = 0, newFills = 0, to } = each;
    const order = openOrder({ state: from });
    const report = reportOf(order, { state, fills: filled === 0 ? [] : [fillOf(filled)] });
    expect(statesAfter(order, report, newFills)).toEqual(to);
  });
});

describe('a report of two legs', () => {
  const legs = ['SPXW  260622P05875000', 'SPXW  260622P05850000'].map((symbol, index) => ({
    ...{ symbol, effect: 'open' as const, ratio: 1 },
    side: index === 0 ? ('sell' as const) : ('buy' as const),
  }));
  const states = (qtys: readonly [number, number], state: VenueState): readonly OrderState[] => {
    const order = openOrder({ state: 'accepted', legs, qty: 2 });
    const fills = qtys.flatMap((qty, index) =>
      qty === 0 ? [] : [{ ...fillOf(qty, `x${index}`), legNo: index + 1 }],
    );
    return statesAfter(order, reportOf(order, { state, fills }), fills.length);
  };

  it('is filled when every leg is, and partly filled when any is', () => {
    expect(states([2, 2], 'filled')).toEqual(['filled']);
    expect(states([2, 2], 'canceled')).toEqual(['filled']);
    expect(states([2, 0], 'filled')).toEqual(['partially_filled']);
    expect(states([0, 1], 'working')).toEqual(['partially_filled']);
    expect(states([2, 1], 'canceled')).toEqual(['partially_filled', 'canceled']);
    expect(states([0, 1], 'rejected')).toEqual(['partially_filled', 'canceled']);
    expect(states([0, 0], 'working')).toEqual([]);
  });
});

// trade.order_transitions, as migrations 0005 and 0010 write them.
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  submitted: ['accepted', 'unknown', 'partially_filled', 'filled', 'rejected', 'canceled', 'expired'],
  unknown: ['accepted', 'partially_filled', 'filled', 'rejected', 'canceled', 'expired'],
  accepted: ['partially_filled', 'filled', 'canceled', 'rejected', 'expired', 'unknown'],
  partially_filled: ['partially_filled', 'filled', 'canceled', 'expired', 'unknown'],
  canceled: ['partially_filled', 'filled'],
  expired: ['partially_filled', 'filled'],
};

it('no report leads where the state machine forbids it, and the same report twice leads nowhere', () => {
  const from = fc.constantFrom<OrderState>(
    ...(['submitted', 'unknown', 'accepted', 'partially_filled', 'filled', 'canceled', 'expired'] as const),
  );
  const state = fc.constantFrom<VenueState>(
    ...(['working', 'filled', 'canceled', 'rejected', 'expired', 'replaced', 'unknown'] as const),
  );
  fc.assert(
    fc.property(from, state, fc.integer({ min: 0, max: 25 }), (before, told, filled) => {
      if (before === 'filled' && filled < 25) return;
      const order = openOrder({ state: before });
      const report = reportOf(order, { state: told, fills: filled === 0 ? [] : [fillOf(filled)] });
      const newFills = filled > 0 && before !== 'filled' ? 1 : 0;
      const states = statesAfter(order, report, newFills);
      let at: OrderState = before;
      for (const next of states) {
        expect(ALLOWED[at]).toContain(next);
        at = next;
      }
      expect(statesAfter({ ...order, state: at }, report, 0)).toEqual([]);
      if (at === 'filled') expect(filled).toBe(25);
    }),
  );
});
