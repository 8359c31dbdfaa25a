// Reports of what Schwab sends back: recorded payloads and the reference's own.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseEastern } from '../../../../core/eastern_time.ts';
import { orderReport, orderTree } from '../../../../jobs/brokers/schwab/order_report.ts';
import { wireOrder } from '../../../../jobs/brokers/schwab/wire.ts';
import { schwabTime } from '../../../../jobs/brokers/schwab/wire_time.ts';
import { needsSharedData, sharedData } from '../../../harness.ts';

const ORDERS = ['schwab', 'schwab_rb', 'spec', 'fixtures'] as const;

function filledVertical(more: Record<string, unknown> = {}): Record<string, unknown> {
  const leg = (legId: number, instruction: string, symbol: string) => ({
    orderLegType: 'OPTION',
    legId,
    instruction,
    positionEffect: 'OPENING',
    quantity: 2.0,
    instrument: { assetType: 'OPTION', symbol, putCall: 'PUT', underlyingSymbol: 'QQQ', instrumentId: legId },
  });
  const time = '2026-11-20T14:45:02+0000';
  return {
    orderType: 'NET_CREDIT',
    complexOrderStrategyType: 'VERTICAL',
    quantity: 2.0,
    filledQuantity: 2.0,
    remainingQuantity: 0.0,
    price: 0.45,
    orderStrategyType: 'SINGLE',
    orderId: 1003494772896,
    status: 'FILLED',
    enteredTime: '2026-11-20T14:45:00+0000',
    closeTime: time,
    accountNumber: 12345678,
    orderLegCollection: [
      leg(1, 'SELL_TO_OPEN', 'QQQ   261120P00605000'),
      leg(2, 'BUY_TO_OPEN', 'QQQ   261120P00600000'),
    ],
    orderActivityCollection: [
      {
        activityType: 'EXECUTION',
        activityId: 900000000001,
        executionType: 'FILL',
        quantity: 2.0,
        executionLegs: [
          { legId: 2, quantity: 2.0, price: 0.47, time, instrumentId: 2 },
          { legId: 1, quantity: 2.0, price: 0.93, time, instrumentId: 1 },
        ],
      },
    ],
    ...more,
  };
}

const reportOf = (wire: unknown) => orderReport(wireOrder.parse(wire));

describe('the report of an order', () => {
  it('has the legs, the limit and each fill once, in contracts and dollars', () => {
    expect(reportOf(filledVertical())).toEqual({
      venueOrderId: '1003494772896',
      state: 'filled',
      order: {
        legs: [
          { symbol: 'QQQ   261120P00605000', side: 'sell', effect: 'open', ratio: 1 },
          { symbol: 'QQQ   261120P00600000', side: 'buy', effect: 'open', ratio: 1 },
        ],
        qty: 2,
        type: 'limit',
        isCredit: true,
        limit_px_e4: 4500,
        stop_px_e4: null,
      },
      filledQty: 2,
      enteredAt: parseEastern('2026-11-20 09:45:00'),
      detail: null,
      clientId: null,
      fills: [
        {
          executionId: '900000000001:2',
          ts: parseEastern('2026-11-20 09:45:02'),
          legNo: 2,
          qty: 2,
          px_e4: 4700,
        },
        {
          executionId: '900000000001:1',
          ts: parseEastern('2026-11-20 09:45:02'),
          legNo: 1,
          qty: 2,
          px_e4: 9300,
        },
      ],
    });
  });

  it('does not count a cancel as a fill', () => {
    const canceled = filledVertical({
      status: 'CANCELED',
      filledQuantity: 0,
      orderActivityCollection: [
        {
          activityType: 'EXECUTION',
          activityId: 5,
          executionType: 'CANCELED',
          quantity: 2,
          executionLegs: [
            { legId: 1, quantity: 2, price: 0, time: '2026-11-20T14:45:02+0000' },
            { legId: 2, quantity: 2, price: 0, time: '2026-11-20T14:45:02+0000' },
          ],
        },
      ],
    });
    expect(reportOf(canceled)).toMatchObject({ state: 'canceled', filledQty: 0, fills: [] });
  });

  it.each([
    ['AWAITING_PARENT_ORDER', 'working'],
    ['AWAITING_CONDITION', 'working'],
    ['AWAITING_STOP_CONDITION', 'working'],
    ['AWAITING_MANUAL_REVIEW', 'working'],
    ['AWAITING_UR_OUT', 'working'],
    ['AWAITING_RELEASE_TIME', 'working'],
    ['ACCEPTED', 'working'],
    ['PENDING_ACTIVATION', 'working'],
    ['PENDING_ACKNOWLEDGEMENT', 'working'],
    ['PENDING_CANCEL', 'working'],
    ['PENDING_REPLACE', 'working'],
    ['PENDING_RECALL', 'working'],
    ['NEW', 'working'],
    ['QUEUED', 'working'],
    ['WORKING', 'working'],
    ['CANCELED', 'canceled'],
    ['REJECTED', 'rejected'],
    ['EXPIRED', 'expired'],
    ['REPLACED', 'replaced'],
    ['UNKNOWN', 'unknown'],
    ['SOMETHING_NEW', 'unknown'],
    ['toString', 'unknown'],
  ])('takes %s for %s', (status, state) => {
    const wire = filledVertical({ status, filledQuantity: 0, orderActivityCollection: [] });
    expect(reportOf(wire).state).toBe(state);
  });

  it.each(['FILLED', 'CANCELED', 'EXPIRED', 'REPLACED'])(
    'is not at its end while executions of a %s order are missing',
    (status) => {
      const report = reportOf(filledVertical({ status, orderActivityCollection: undefined }));
      expect(report).toMatchObject({ state: 'unknown', filledQty: 2, fills: [] });
      expect(report.detail).toContain('executions are missing');
    },
  );

  it('tells fills apart where they have no id, and the same however often it is read', () => {
    const leg = { legId: 1, quantity: 1, price: 0.93, time: '2026-11-20T14:45:02+0000' };
    const activity = { executionType: 'FILL', executionLegs: [leg, leg] };
    const wire = filledVertical({ status: 'WORKING', orderActivityCollection: [activity, activity] });
    const ids = reportOf(wire).fills.map((fill) => fill.executionId);
    expect(new Set(ids).size).toBe(4);
    expect(reportOf(wire).fills.map((fill) => fill.executionId)).toEqual(ids);
    const again = filledVertical({
      orderActivityCollection: [{ ...activity, activityId: 7, executionLegs: [leg, leg] }],
    });
    expect(reportOf(again).fills.map((fill) => fill.executionId)).toEqual(['7:1', '7:1:2']);
  });

  it('carries the words of a reject', () => {
    const wire = filledVertical({
      status: 'REJECTED',
      statusDescription: 'The account is not approved for this level of options trading.',
      filledQuantity: 0,
      orderActivityCollection: undefined,
    });
    expect(reportOf(wire)).toMatchObject({
      state: 'rejected',
      detail: 'The account is not approved for this level of options trading.',
    });
  });

  it('counts units of a ratio spread by its smallest leg', () => {
    const wire = filledVertical({
      quantity: 4,
      filledQuantity: 0,
      status: 'WORKING',
      orderActivityCollection: [],
    });
    const legs = wire.orderLegCollection as Record<string, unknown>[];
    const ratio = {
      ...wire,
      orderLegCollection: [
        { ...legs[0], quantity: 1 },
        { ...legs[1], quantity: 2 },
      ],
    };
    expect(reportOf(ratio).order).toMatchObject({ qty: 1, legs: [{ ratio: 1 }, { ratio: 2 }] });
  });

  it('shows children of a bracket as orders of their own', () => {
    const child = (orderId: number, more: Record<string, unknown>) => ({
      ...filledVertical({ orderId, filledQuantity: 0, orderActivityCollection: undefined, ...more }),
      enteredTime: undefined,
    });
    const wire = filledVertical({
      childOrderStrategies: [
        {
          orderStrategyType: 'OCO',
          childOrderStrategies: [
            child(8, { status: 'AWAITING_PARENT_ORDER' }),
            child(9, {
              status: 'AWAITING_STOP_CONDITION',
              orderType: 'STOP',
              stopPrice: 2.5,
              price: undefined,
            }),
          ],
        },
      ],
    });
    const nodes = orderTree(wireOrder.parse(wire)).filter((node) => node.orderLegCollection.length > 0);
    expect(nodes.map(orderReport)).toMatchObject([
      { venueOrderId: '1003494772896', state: 'filled' },
      { venueOrderId: '8', state: 'working', enteredAt: parseEastern('2026-11-20 09:45:00') },
      { venueOrderId: '9', state: 'working', order: { type: 'stop', stop_px_e4: 25_000, limit_px_e4: null } },
    ]);
  });

  it.each([
    ['an order without a time', { enteredTime: undefined }, 'without the time'],
    ['an order without an id', { orderId: undefined }, 'without an id'],
    [
      'a fill of a leg that it does not have',
      {
        orderActivityCollection: [
          {
            executionType: 'FILL',
            executionLegs: [{ legId: 3, quantity: 1, price: 1, time: '2026-11-20T14:45:02Z' }],
          },
        ],
      },
      'execution',
    ],
    [
      'a fill without a time that can be read',
      {
        orderActivityCollection: [
          { executionType: 'FILL', executionLegs: [{ legId: 1, quantity: 1, price: 1, time: 'yesterday' }] },
        ],
      },
      'execution',
    ],
  ])('fails loudly on %s', (_, more, message) => {
    expect(() => reportOf(filledVertical(more))).toThrow(message);
  });
});

describe('a time of Schwab’s', () => {
  it('is read with and without a colon, with Z and with a fraction', () => {
    const at = parseEastern('2026-11-20 09:45:02');
    expect(schwabTime('2026-11-20T14:45:02+0000')).toBe(at);
    expect(schwabTime('2026-11-20T14:45:02+00:00')).toBe(at);
    expect(schwabTime('2026-11-20T14:45:02Z')).toBe(at);
    expect(schwabTime('2026-11-20T09:45:02-0500')).toBe(at);
    expect(schwabTime('2026-11-20T14:45:02.250Z')).toBe(parseEastern('2026-11-20 09:45:02.250'));
    for (const text of [undefined, '', '2026-11-20', '2026-11-20T14:45:02', '2026-13-20T14:45:02Z']) {
      expect(schwabTime(text)).toBeNull();
    }
  });
});

describe('recorded orders', () => {
  needsSharedData(...ORDERS, 'orders.json');
  const recorded = (name: string) =>
    z.array(wireOrder).parse(JSON.parse(readFileSync(sharedData(...ORDERS, name) ?? '', 'utf8')));

  it.each(['orders.json', 'orders_with_close.json', 'orders_with_iron_condor.json'])(
    'of %s are all read',
    (name) => {
      const reports = recorded(name).flatMap(orderTree).map(orderReport);
      expect(reports.length).toBeGreaterThan(4);
      for (const report of reports) {
        expect(report.state).not.toBe('unknown');
        for (const [index, leg] of report.order.legs.entries()) {
          const fills = report.fills.filter((fill) => fill.legNo === index + 1);
          expect(fills.reduce((sum, fill) => sum + fill.qty, 0)).toBe(report.filledQty * leg.ratio);
        }
      }
      const ids = reports.flatMap((report) => report.fills.map((fill) => fill.executionId));
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  it('show canceled orders with activities and no fill, and rejected ones with their reason', () => {
    const reports = recorded('orders_with_iron_condor.json').map(orderReport);
    const canceled = reports.filter((report) => report.state === 'canceled');
    expect(canceled.length).toBeGreaterThan(2);
    expect(canceled.every((report) => report.filledQty === 0 && report.fills.length === 0)).toBe(true);
    const rejected = reports.filter((report) => report.state === 'rejected');
    expect(rejected[0]?.detail).toBe('The account is not approved for this level of options trading.');
    expect(reports[0]).toMatchObject({ state: 'working', order: { isCredit: true, limit_px_e4: 18_500 } });
    expect(reports[0]?.order.legs).toHaveLength(4);
    expect(reports[1]?.order.legs).toEqual([{ symbol: 'CMG', side: 'buy', effect: 'open', ratio: 1 }]);
  });
});
