// Orders found again by what they are: only the right one, never one twice, and no guess where nobody can tell.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMs } from '../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import type { BrokerOrder, OrderReport } from '../../../jobs/brokers/broker.ts';
import { asSchwabCarries, DEFAULT_TICKS } from '../../../jobs/brokers/schwab/order_body.ts';
import { clientIdOf } from '../../../jobs/orders/broker_order.ts';
import { attribute, mayBe, type SoughtOrder } from '../../../jobs/orders/fingerprint.ts';
import { at, openOrder, reportOf } from './terms.ts';

const NONE_KNOWN = { known: new Set<string>(), keepsClientIds: false } as const;

function sought(more: Partial<SoughtOrder> = {}): SoughtOrder {
  return { ...openOrder(), isDeclared: false, ...more };
}

describe('one order', () => {
  const order = sought();

  it.each([
    ['symbol', { symbol: 'QQQ   260617P00599000' as OsiSymbol }],
    ['side', { side: 'buy' as const }],
    ['effect', { effect: 'close' as const }],
    ['quantity', { qty: 24 }],
    ['type', { order_type: 'market' as const }],
    ['price', { limit_px_e4: 10_100 }],
  ])('is not one of another %s', (_, more) => {
    expect(mayBe(order, reportOf(openOrder()))).toBe(true);
    expect(mayBe(order, reportOf(openOrder(more)))).toBe(false);
  });

  it.each([
    [-5001, false],
    [-5000, true],
    [0, true],
    [120_000, true],
    [120_001, false],
  ])('entered %d ms after it was sent: %s', (ms, isMatch) => {
    expect(mayBe(order, reportOf(openOrder(), { enteredAt: addMs(order.ts_submitted, ms) }))).toBe(isMatch);
  });

  it('of several legs is never ours', () => {
    const report = reportOf(openOrder());
    const [leg] = report.order.legs;
    if (leg === undefined) throw new Error('no leg');
    expect(mayBe(order, { ...report, order: { ...report.order, legs: [leg, leg] } })).toBe(false);
  });

  it('of several legs is ours in whatever sequence they are told, and only with all of them', () => {
    const legs = [
      { symbol: 'SPXW  260622P05875000', side: 'sell', effect: 'open', ratio: 1 },
      { symbol: 'SPXW  260622P05850000', side: 'buy', effect: 'open', ratio: 1 },
    ] as const;
    const spread = sought({ legs, qty: 2 });
    const seen = (more: Partial<BrokerOrder>): OrderReport => {
      const report = reportOf(openOrder({ legs, qty: 2 }));
      return { ...report, order: { ...report.order, ...more } };
    };
    const [sold, bought] = legs;
    expect(mayBe(spread, seen({}))).toBe(true);
    expect(mayBe(spread, seen({ legs: [bought, sold] }))).toBe(true);
    const others: Partial<BrokerOrder>[] = [
      { legs: [sold] },
      { legs: [sold, { ...bought, side: 'sell' }] },
      { legs: [sold, { ...bought, ratio: 2 }] },
      { legs: [sold, { ...bought, symbol: 'SPXW  260622P05825000' }] },
      { qty: 1 },
      { isCredit: false },
      { limit_px_e4: 9_900 },
    ];
    for (const more of others) expect(mayBe(spread, seen(more))).toBe(false);
  });

  it('that is a stop may have been moved to a price that the broker takes', () => {
    const stop = { order_type: 'stop' as const, limit_px_e4: null };
    const closing = { side: 'buy', effect: 'close' } as const;
    const protect = sought({ ...openOrder({ ...stop, ...closing, stop_px_e4: 30_300 }) });
    const carried = (order: BrokerOrder): BrokerOrder => asSchwabCarries(order, DEFAULT_TICKS);
    const seenAt = (stop_px_e4: number): OrderReport =>
      reportOf(openOrder({ ...stop, ...closing, stop_px_e4 }));
    expect(mayBe(protect, seenAt(30_000), carried)).toBe(true);
    // Another stop, however near, is another order.
    for (const px_e4 of [30_300, 30_500, 29_500, 29_700])
      expect(mayBe(protect, seenAt(px_e4), carried)).toBe(false);
    expect(mayBe(protect, seenAt(30_300))).toBe(true);
  });
});

describe('attribution', () => {
  it('finds nothing where nothing matches', () => {
    expect(attribute([sought()], [reportOf(openOrder({ qty: 1 }))], NONE_KNOWN).size).toBe(0);
  });

  it('leaves out what is attributed already', () => {
    const known = new Set(['101']);
    expect(attribute([sought()], [reportOf(openOrder())], { known, keepsClientIds: false }).size).toBe(0);
  });

  it('does not guess between two', () => {
    const reports = [reportOf(openOrder()), reportOf(openOrder(), { id: '102' })];
    expect(attribute([sought()], reports, NONE_KNOWN).get(1)).toEqual({
      kind: 'several',
      venueOrderIds: ['101', '102'],
    });
  });

  it('gives two equal orders to two equal intents, the nearer to each', () => {
    const late = addMs(at('10:05:00'), 20_000);
    const reports = [
      reportOf(openOrder(), { id: '102', enteredAt: late }),
      reportOf(openOrder(), { id: '101' }),
    ];
    const found = attribute(
      [sought({ intent_id: 2, ts_submitted: late }), sought({ intent_id: 1 })],
      reports,
      NONE_KNOWN,
    );
    expect(found.get(1)).toMatchObject({ kind: 'one', report: { venueOrderId: '101' } });
    expect(found.get(2)).toMatchObject({ kind: 'one', report: { venueOrderId: '102' } });
  });

  it('gives an order to the intent that waits, not to the one that was given up', () => {
    const found = attribute(
      [sought({ intent_id: 1, isDeclared: true }), sought({ intent_id: 2, ts_submitted: at('10:05:03') })],
      [reportOf(openOrder())],
      NONE_KNOWN,
    );
    expect([...found.keys()]).toEqual([2]);
  });

  it('goes by the id of ours where the broker keeps it, whatever the terms', () => {
    const order = sought();
    const reports = [
      reportOf(openOrder(), { clientId: 'somebody-else' }),
      reportOf(openOrder({ qty: 24 }), { id: '102', clientId: clientIdOf(order) }),
    ];
    const found = attribute([order], reports, { known: new Set(), keepsClientIds: true });
    expect(found.get(1)).toMatchObject({ kind: 'one', report: { venueOrderId: '102' } });
  });

  it('never gives one order to two intents', () => {
    const seconds = fc.integer({ min: 0, max: 150 });
    const intents = fc.array(
      fc.record({ s: seconds, isDeclared: fc.boolean(), qty: fc.integer({ min: 1, max: 2 }) }),
      { maxLength: 6 },
    );
    const entered = fc.array(fc.record({ s: seconds, qty: fc.integer({ min: 1, max: 2 }) }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(intents, entered, (wanted, placed) => {
        const orders = wanted.map(({ s, isDeclared, qty }, index) =>
          sought({ intent_id: index, qty, isDeclared, ts_submitted: addMs(at('10:05:00'), s * 1000) }),
        );
        const reports = placed.map(({ s, qty }, index) =>
          reportOf(openOrder({ qty }), { id: String(index), enteredAt: addMs(at('10:05:00'), s * 1000) }),
        );
        const found = attribute(orders, reports, NONE_KNOWN);
        const given = [...found].flatMap(([id, each]) =>
          each.kind === 'one' ? [[id, each.report] as const] : [],
        );
        expect(new Set(given.map(([, report]) => report.venueOrderId)).size).toBe(given.length);
        for (const [id, report] of given) expect(mayBe(orders[id] as SoughtOrder, report)).toBe(true);
      }),
    );
  });
});
