// Spreads, stops and trees of orders at the simulated Schwab, over HTTP.
import { describe, expect, it } from 'vitest';
import {
  type Bench,
  bench,
  bracket,
  CALL,
  CASH_E4,
  FAR_PUT,
  PUT,
  quote,
  single,
  stopsSimulators,
  vertical,
} from './support.ts';

stopsSimulators();

describe('spreads', () => {
  it('fill when the net of the quotes reaches the limit, each leg at its own quote', async () => {
    const at = await bench();
    quote(at.simulator, PUT, 0.9, 0.95);
    quote(at.simulator, FAR_PUT, 0.45, 0.5);
    const id = await at.place(vertical('open', 2, '0.45'));
    expect((await at.order(id)).status).toBe('WORKING');
    quote(at.simulator, PUT, 0.95, 1);
    expect(await at.order(id)).toMatchObject({
      status: 'FILLED',
      quantity: 2,
      orderType: 'NET_CREDIT',
      complexOrderStrategyType: 'VERTICAL',
      orderActivityCollection: [
        {
          executionLegs: [
            { legId: 1, price: 0.95 },
            { legId: 2, price: 0.5 },
          ],
        },
      ],
      orderLegCollection: [
        { legId: 1, instruction: 'SELL_TO_OPEN', positionEffect: 'OPENING', quantity: 2 },
        { legId: 2, instruction: 'BUY_TO_OPEN', positionEffect: 'OPENING', quantity: 2 },
      ],
    });
    const { ledger } = at.simulator;
    expect([ledger.positionOf(PUT), ledger.positionOf(FAR_PUT)]).toEqual([-2, 2]);
    // 0.45 x 100 x 2, less 0.65 for each of four contracts.
    expect(ledger.cash_e4()).toBe(CASH_E4 + 900_000 - 26_000);
    const closing = await at.place(vertical('close', 2, '0.10'));
    quote(at.simulator, FAR_PUT, 0.05, 0.1);
    expect((await at.order(closing)).status).toBe('WORKING');
    quote(at.simulator, PUT, 0.1, 0.15);
    expect((await at.order(closing)).status).toBe('FILLED');
    expect(ledger.positions()).toEqual([]);
  });
});

describe('stops', () => {
  it('wait, and buy at the market when the ask reaches them', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3);
    await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    const stop = await at.place(single('BUY_TO_CLOSE', 1, null, { orderType: 'STOP', stopPrice: '2.50' }));
    quote(at.simulator, CALL, 2.4, 2.49);
    expect((await at.order(stop)).status).toBe('AWAITING_STOP_CONDITION');
    quote(at.simulator, CALL, 2.6, 2.75);
    expect(await at.order(stop)).toMatchObject({
      status: 'FILLED',
      stopPrice: 2.5,
      orderActivityCollection: [{ executionLegs: [{ price: 2.75 }] }],
    });
  });

  it('with a limit may be triggered and not fill', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3);
    await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    const stop = await at.place(
      single('BUY_TO_CLOSE', 1, '2.60', { orderType: 'STOP_LIMIT', stopPrice: '2.50' }),
    );
    quote(at.simulator, CALL, 2.6, 2.75);
    expect((await at.order(stop)).status).toBe('WORKING');
    quote(at.simulator, CALL, 2.5, 2.6);
    expect((await at.order(stop)).status).toBe('FILLED');
  });
});

describe('trees', () => {
  it('have an id and a status for every node; children wait for their parent, and one cancels the other', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.2, 1.3);
    const id = await at.place(bracket());
    const before = await at.order(id);
    expect(before).toMatchObject({
      orderStrategyType: 'TRIGGER',
      status: 'WORKING',
      childOrderStrategies: [
        {
          orderStrategyType: 'OCO',
          status: 'AWAITING_PARENT_ORDER',
          childOrderStrategies: [{ status: 'AWAITING_PARENT_ORDER' }, { status: 'AWAITING_PARENT_ORDER' }],
        },
      ],
    });
    quote(at.simulator, CALL, 1.25, 1.3);
    expect(await at.order(id)).toMatchObject({
      status: 'FILLED',
      childOrderStrategies: [
        {
          status: 'WORKING',
          childOrderStrategies: [{ status: 'WORKING' }, { status: 'AWAITING_STOP_CONDITION' }],
        },
      ],
    });
    quote(at.simulator, CALL, 0.45, 0.5);
    expect(await at.order(id)).toMatchObject({
      childOrderStrategies: [
        { status: 'FILLED', childOrderStrategies: [{ status: 'FILLED' }, { status: 'CANCELED' }] },
      ],
    });
    expect(at.simulator.ledger.positions()).toEqual([]);
    expect(await at.orders()).toHaveLength(1);
  });

  it('lose their children with a parent that is canceled before it fills', async () => {
    const at = await bench();
    const id = await at.place(bracket());
    await at.call('DELETE', `/accounts/${at.hash}/orders/${id}`);
    const statuses = at.simulator.ledger.orders().map((order) => order.status);
    expect(statuses).toEqual(['CANCELED', 'CANCELED', 'CANCELED', 'CANCELED']);
  });

  it('start their children at the last execution, or at the first where that is set', async () => {
    const childOf = async (at: Bench): Promise<string | undefined> => {
      quote(at.simulator, CALL, 1.25, 1.3, 1);
      await at.place(bracket(2));
      return at.simulator.ledger.orders()[1]?.status;
    };
    expect(await childOf(await bench())).toBe('AWAITING_PARENT_ORDER');
    expect(await childOf(await bench({ triggersOnPartial: true }))).toBe('WORKING');
  });

  it('of two exits cancel the second on a partial execution of the first', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3);
    const id = await at.place(bracket(3));
    quote(at.simulator, CALL, 0.45, 0.5, 1);
    const [, , target, stop] = at.simulator.ledger.orders();
    expect([target?.status, target?.filledQty, stop?.status]).toEqual(['WORKING', 1, 'CANCELED']);
    expect((await at.order(id)).status).toBe('FILLED');
  });
});
