// Orders at the simulated Schwab, over HTTP: their bodies, states and fills, cancels and replacements, as the reference tells them.
import { describe, expect, it } from 'vitest';
import { bench, bracket, CALL, INSTANT, quote, single, statusesOf, stopsSimulators } from './support.ts';

stopsSimulators();

describe('an accepted order', () => {
  it('is answered with 201, no body and an absolute Location', async () => {
    const { call, hash, simulator } = await bench();
    const reply = await call('POST', `/accounts/${hash}/orders`, single('SELL_TO_OPEN', 1, '1.25'));
    expect({ status: reply.status, text: reply.text }).toEqual({ status: 201, text: '' });
    const id = simulator.ledger.orders()[0]?.id;
    expect(reply.headers.get('location')).toBe(
      `https://api.schwabapi.com/trader/v1/accounts/${hash}/orders/${id}`,
    );
    expect(reply.headers.get('schwab-client-correlid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(String(id)).toHaveLength(13);
  });

  it('goes through its states in time and fills at the bid when that reaches the limit', async () => {
    const at = await bench({ delays: { ...INSTANT, activateMs: 50, workMs: 50, fillMs: 20 } });
    quote(at.simulator, CALL, 1.2, 1.3);
    const id = await at.place(single('SELL_TO_OPEN', 2, '1.25'));
    expect(await at.order(id)).toMatchObject({ status: 'PENDING_ACTIVATION', cancelable: true });
    await at.advance(50);
    expect((await at.order(id)).status).toBe('QUEUED');
    await at.advance(50);
    expect(await at.order(id)).toMatchObject({ status: 'WORKING', filledQuantity: 0, remainingQuantity: 2 });
    quote(at.simulator, CALL, 1.26, 1.3);
    expect((await at.order(id)).status).toBe('WORKING');
    await at.advance(20);
    expect(await at.order(id)).toMatchObject({
      status: 'FILLED',
      price: 1.25,
      filledQuantity: 2,
      remainingQuantity: 0,
      cancelable: false,
      accountNumber: 12345678,
      enteredTime: '2026-11-20T15:00:00+0000',
      closeTime: '2026-11-20T15:00:00+0000',
      orderActivityCollection: [
        {
          activityType: 'EXECUTION',
          executionType: 'FILL',
          quantity: 2,
          orderRemainingQuantity: 0,
          executionLegs: [{ legId: 1, quantity: 2, price: 1.26, time: '2026-11-20T15:00:00+0000' }],
        },
      ],
    });
  });

  it('buys at the ask when that falls to the limit, and at the market at once', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.2, 1.3);
    const limit = await at.place(single('BUY_TO_OPEN', 1, '1.29'));
    expect((await at.order(limit)).status).toBe('WORKING');
    quote(at.simulator, CALL, 1.19, 1.28);
    const market = await at.place(single('BUY_TO_OPEN', 1, null));
    const prices = at.simulator.ledger.orders().map((order) => order.executions[0]?.legs[0]?.px_e4);
    expect([(await at.order(limit)).status, (await at.order(market)).status]).toEqual(['FILLED', 'FILLED']);
    expect(prices).toEqual([12_800, 12_800]);
  });

  it('fills no more than is displayed, stays WORKING in between, and has one activity for each execution', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3, 3);
    const id = await at.place(single('SELL_TO_OPEN', 5, '1.25'));
    expect(await at.order(id)).toMatchObject({ status: 'WORKING', filledQuantity: 3, remainingQuantity: 2 });
    quote(at.simulator, CALL, 1.27, 1.3, 3);
    const activities = (await at.order(id)).orderActivityCollection as { activityId: number }[];
    expect(await at.order(id)).toMatchObject({ status: 'FILLED', filledQuantity: 5 });
    expect(activities).toMatchObject([
      { quantity: 3, orderRemainingQuantity: 2, executionLegs: [{ price: 1.25 }] },
      { quantity: 2, orderRemainingQuantity: 0, executionLegs: [{ price: 1.27 }] },
    ]);
    expect(new Set(activities.map((each) => each.activityId)).size).toBe(2);
  });

  it('finds nothing left of a size that another order has taken, until the next quote', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3, 3);
    await at.place(single('SELL_TO_OPEN', 2, '1.25'));
    const second = await at.place(single('SELL_TO_OPEN', 2, '1.25'));
    expect(await at.order(second)).toMatchObject({ status: 'WORKING', filledQuantity: 1 });
    quote(at.simulator, CALL, 1.25, 1.3, 3);
    expect((await at.order(second)).status).toBe('FILLED');
  });

  it('does not fill while its contract is halted, or has no quote', async () => {
    const at = await bench();
    at.simulator.setQuote(CALL, 13_000, 13_100, 10, 10, { 33: 'Halted' });
    const id = await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    at.simulator.setQuote(CALL, 0, 13_100, 0, 10);
    expect((await at.order(id)).status).toBe('WORKING');
    quote(at.simulator, CALL, 1.3, 1.31);
    expect((await at.order(id)).status).toBe('FILLED');
  });

  it('has no Location when it fills at once, where that is wanted', async () => {
    const { simulator, call, hash } = await bench({ locatesInstantFills: false });
    quote(simulator, CALL, 1.25, 1.3);
    const filled = await call('POST', `/accounts/${hash}/orders`, single('SELL_TO_OPEN', 1, '1.25'));
    const resting = await call('POST', `/accounts/${hash}/orders`, single('SELL_TO_OPEN', 1, '1.50'));
    expect([filled.headers.has('location'), resting.headers.has('location')]).toEqual([false, true]);
  });

  it('expires with the day, and outside the hours waits for the opening', async () => {
    const at = await bench({ start: '2026-11-20 16:10' });
    const id = await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    const monday = 'QQQ   261123C00615000';
    await at.advance(5 * 60_000);
    expect(await at.order(id)).toMatchObject({ status: 'EXPIRED', filledQuantity: 0 });
    const next = await at.place(single('SELL_TO_OPEN', 1, '1.25', {}, monday));
    quote(at.simulator, monday, 1.25, 1.3);
    expect((await at.order(next)).status).toBe('PENDING_ACTIVATION');
    // Friday 16:15 to Monday 09:30.
    await at.advance((2 * 24 + 17.25) * 3_600_000);
    at.login();
    expect((await at.order(next)).status).toBe('FILLED');
  });
});

describe('a cancel', () => {
  it('is answered with 200 and an empty body, is pending, and leaves an activity of type CANCELED at price 0', async () => {
    const at = await bench({ delays: { ...INSTANT, cancelMs: 300 } });
    const id = await at.place(single('SELL_TO_OPEN', 2, '1.25'));
    const reply = await at.call('DELETE', `/accounts/${at.hash}/orders/${id}`);
    expect({ status: reply.status, text: reply.text }).toEqual({ status: 200, text: '' });
    expect(await at.order(id)).toMatchObject({ status: 'PENDING_CANCEL', cancelable: false });
    await at.advance(300);
    expect(await at.order(id)).toMatchObject({
      status: 'CANCELED',
      filledQuantity: 0,
      remainingQuantity: 0,
      orderActivityCollection: [
        { executionType: 'CANCELED', quantity: 2, executionLegs: [{ quantity: 2, price: 0 }] },
      ],
    });
    expect((await at.call('DELETE', `/accounts/${at.hash}/orders/${id}`)).status).toBe(400);
    expect((await at.call('DELETE', `/accounts/${at.hash}/orders/1`)).status).toBe(404);
  });

  it('loses against a quote that fills the order while it is pending', async () => {
    const at = await bench({ delays: { ...INSTANT, cancelMs: 300 } });
    const id = await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    await at.call('DELETE', `/accounts/${at.hash}/orders/${id}`);
    quote(at.simulator, CALL, 1.25, 1.3);
    await at.advance(300);
    expect(await at.order(id)).toMatchObject({ status: 'FILLED', filledQuantity: 1 });
    expect(statusesOf(at.simulator, id).slice(-2)).toEqual(['PENDING_CANCEL', 'FILLED']);
  });
});

describe('a replacement', () => {
  it('makes a new order and leaves the old one REPLACED', async () => {
    const at = await bench({ delays: { ...INSTANT, cancelMs: 300 } });
    const id = await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    const reply = await at.call(
      'PUT',
      `/accounts/${at.hash}/orders/${id}`,
      single('SELL_TO_OPEN', 1, '1.20'),
    );
    const newId = Number(/(\d+)$/.exec(reply.headers.get('location') ?? '')?.[1]);
    expect([reply.status, newId > id]).toEqual([201, true]);
    expect([(await at.order(id)).status, (await at.order(newId)).status]).toEqual([
      'PENDING_REPLACE',
      'PENDING_ACTIVATION',
    ]);
    await at.advance(300);
    expect(await at.order(id)).toMatchObject({
      status: 'REPLACED',
      orderActivityCollection: [{ executionType: 'CANCELED', executionLegs: [{ price: 0 }] }],
    });
    expect(await at.order(newId)).toMatchObject({ status: 'WORKING', price: 1.2 });
    expect(at.simulator.ledger.order(id)?.replacedBy).toBe(newId);
  });

  it('comes too late when the old order fills first', async () => {
    const at = await bench({ delays: { ...INSTANT, cancelMs: 300 } });
    const id = await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    await at.call('PUT', `/accounts/${at.hash}/orders/${id}`, single('SELL_TO_OPEN', 1, '1.20'));
    quote(at.simulator, CALL, 1.25, 1.3);
    await at.advance(300);
    expect(at.simulator.ledger.orders().map((order) => order.status)).toEqual(['FILLED', 'REJECTED']);
    expect(at.simulator.ledger.positionOf(CALL)).toBe(-1);
  });

  it('of one of two exits takes its place among them', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3);
    await at.place(bracket());
    const target = at.simulator.ledger.orders()[2]?.id;
    await at.call('PUT', `/accounts/${at.hash}/orders/${target}`, single('BUY_TO_CLOSE', 1, '0.60'));
    quote(at.simulator, CALL, 0.55, 0.6);
    expect(at.simulator.ledger.orders().map((order) => order.status)).toEqual([
      'FILLED',
      'FILLED',
      'REPLACED',
      'CANCELED',
      'FILLED',
    ]);
  });
});

describe('lists of orders', () => {
  it('need both times, and filter by them, by status and in number, the newest first', async () => {
    const at = await bench();
    const first = await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    await at.advance(60_000);
    const second = await at.place(single('BUY_TO_CLOSE', 1, '1.25'));
    const list = async (query: string): Promise<unknown> => {
      const { status, json } = await at.call('GET', `/accounts/${at.hash}/orders?${query}`);
      return status === 200 ? json.map((order: { orderId: number }) => order.orderId) : status;
    };
    const day = 'fromEnteredTime=2026-11-20T14:30:00.000Z&toEnteredTime=2026-11-20T21:00:00.000Z';
    expect(await list(day)).toEqual([second, first]);
    expect(await list(`${day}&status=REJECTED`)).toEqual([second]);
    expect(await list(`${day}&maxResults=1`)).toEqual([second]);
    expect(await list('fromEnteredTime=2026-11-20T15:00:30.000Z&toEnteredTime=2026-11-20T21:00:00Z')).toEqual(
      [second],
    );
    expect(await list('fromEnteredTime=2026-11-20T14:30:00.000Z')).toBe(400);
    expect(await list('fromEnteredTime=2026-11-20&toEnteredTime=2026-11-21')).toBe(400);
    expect(
      await list('fromEnteredTime=2024-11-20T14:30:00.000Z&toEnteredTime=2026-11-20T21:00:00.000Z'),
    ).toBe(400);
    expect((await at.call('GET', `/orders?${day}`)).json).toHaveLength(2);
  });
});

describe('the broker’s own page', () => {
  it('places and cancels orders that the client sees like its own', async () => {
    const at = await bench();
    const id = at.simulator.manualOrder(single('SELL_TO_OPEN', 1, '1.25'));
    expect(await at.order(id)).toMatchObject({ status: 'WORKING', tag: 'API_TOS:TRADE_ALL' });
    at.simulator.manualCancel(id);
    expect((await at.order(id)).status).toBe('CANCELED');
    expect(at.simulator.ledger.order(id)?.source).toBe('manual');
    expect(() => at.simulator.manualOrder({})).toThrow('not an order');
  });
});
