// What the simulated Schwab does not take: bodies that it refuses with 400, and orders that it takes with 201 and rejects.
import { describe, expect, it } from 'vitest';
import { type Bench, bench, CALL, INSTANT, quote, single, stopsSimulators, vertical } from './support.ts';

stopsSimulators();

describe('a body', () => {
  const wrong: Record<string, unknown> = {
    'a field that only answers have': { ...single('SELL_TO_OPEN', 1, '1.25'), orderId: 1 },
    'a misspelt field': { ...single('SELL_TO_OPEN', 1, '1.25'), orderTyp: 'LIMIT' },
    'no price for a limit': { ...single('SELL_TO_OPEN', 1, '1.25'), price: undefined },
    'a price for a market order': single('SELL_TO_OPEN', 1, '1.25', { orderType: 'MARKET' }),
    'no stop price': single('BUY_TO_CLOSE', 1, null, { orderType: 'STOP' }),
    'an equity instruction for an option': single('SELL', 1, '1.25'),
    'an unpadded symbol': single('SELL_TO_OPEN', 1, '1.25', {}, 'QQQ261120C00615000'),
    'a fraction of a contract': single('SELL_TO_OPEN', 1.5, '1.25'),
    'no quantity': single('SELL_TO_OPEN', 0, '1.25'),
    'a net price for one leg': single('SELL_TO_OPEN', 1, '1.25', { orderType: 'NET_CREDIT' }),
    'an OCO of one': { orderStrategyType: 'OCO', childOrderStrategies: [single('BUY_TO_CLOSE', 1, '0.50')] },
    'no order at all': [],
    'no JSON': '{"session":',
  };
  it.each(Object.entries(wrong))(
    'with %s is refused with 400 and never becomes an order',
    async (_, body) => {
      const { call, hash, simulator } = await bench();
      const reply = await call('POST', `/accounts/${hash}/orders`, body);
      expect(reply.status).toBe(400);
      expect(reply.json).toEqual({ message: expect.any(String), errors: expect.any(Array) });
      expect(reply.json.errors.length).toBeGreaterThan(0);
      expect(simulator.ledger.orders()).toEqual([]);
    },
  );
});

describe('orders that Schwab takes with 201 and rejects', () => {
  async function rejected(at: Bench, body: unknown): Promise<unknown> {
    const order = await at.order(await at.place(body));
    return order.status === 'REJECTED' ? order.statusDescription : order.status;
  }

  it('are those off the tick, in the recorded words; stops from 3 dollars on go by nickels', async () => {
    const at = await bench();
    const tick = /Penny Pilot options \$0\.01 under \$3/;
    expect(await rejected(at, single('SELL_TO_OPEN', 1, '1.255'))).toMatch(tick);
    expect(
      await rejected(at, single('BUY_TO_OPEN', 1, '3.51', { orderType: 'STOP_LIMIT', stopPrice: '3.52' })),
    ).toMatch(tick);
    expect(await rejected(at, single('BUY_TO_OPEN', 1, '3.51'))).toBe('WORKING');
    expect(
      await rejected(at, single('BUY_TO_OPEN', 1, '3.55', { orderType: 'STOP_LIMIT', stopPrice: '3.50' })),
    ).toBe('AWAITING_STOP_CONDITION');
    const spx = 'SPXW  261120C06800000';
    expect(await rejected(at, single('BUY_TO_OPEN', 1, '0.51', {}, spx))).toMatch(tick);
  });

  it('show PENDING_ACTIVATION until the reject is reported', async () => {
    const at = await bench({ delays: { ...INSTANT, rejectMs: 300 } });
    const id = await at.place(single('BUY_TO_CLOSE', 1, '1.25'));
    expect((await at.order(id)).status).toBe('PENDING_ACTIVATION');
    await at.advance(300);
    expect(await at.order(id)).toMatchObject({
      status: 'REJECTED',
      statusDescription: expect.stringContaining('oversold/overbought'),
      remainingQuantity: 0,
    });
  });

  it('are those that close more than is open, live closing orders counted in', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3);
    await at.place(single('SELL_TO_OPEN', 2, '1.25'));
    expect(await rejected(at, single('BUY_TO_CLOSE', 3, '0.50'))).toMatch(/oversold/);
    const first = await at.place(single('BUY_TO_CLOSE', 1, '0.50'));
    expect(await rejected(at, single('BUY_TO_CLOSE', 2, '0.50'))).toMatch(/oversold/);
    await at.call('DELETE', `/accounts/${at.hash}/orders/${first}`);
    expect(await rejected(at, single('BUY_TO_CLOSE', 2, '0.50'))).toBe('WORKING');
    expect(await rejected(at, single('BUY_TO_OPEN', 1, '1.30'))).toMatch(/oversold/);
  });

  it('are those without the buying power, working orders counted in', async () => {
    // A spread of 5 dollars for 0.45 needs 455 dollars and the commission of two legs.
    const at = await bench({ accounts: [{ accountNumber: '87654321', cash_e4: 10_000_000 }] });
    expect(await rejected(at, vertical('open', 2, '0.45'))).toBe('WORKING');
    expect(await rejected(at, vertical('open', 1, '0.45'))).toBe(
      'You do not have enough available cash/buying power for this order.',
    );
    expect(await rejected(at, single('SELL_TO_OPEN', 1, '1.25'))).toMatch(/buying power/);
  });

  it('are stops on the wrong side, options outside their session, and contracts that have expired', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 2.6, 2.7);
    await at.place(single('SELL_TO_OPEN', 1, '2.60'));
    expect(
      await rejected(at, single('BUY_TO_CLOSE', 1, null, { orderType: 'STOP', stopPrice: '2.50' })),
    ).toMatch(/wrong side/);
    expect(await rejected(at, single('BUY_TO_CLOSE', 1, '1.00', { session: 'SEAMLESS' }))).toMatch(/session/);
    expect(await rejected(at, single('SELL_TO_OPEN', 1, '1.25', {}, 'QQQ   261119C00615000'))).toMatch(
      /expired/,
    );
    expect(
      await rejected(at, {
        ...vertical('open', 1, '0.45'),
        orderType: 'STOP_LIMIT',
        stopPrice: '1.00',
      }).catch(String),
    ).toMatch(/400/);
    const evening = await bench({ start: '2026-11-20 17:00', outsideHours: 'reject' });
    expect(await rejected(evening, single('SELL_TO_OPEN', 1, '1.25', {}, 'QQQ   261123C00615000'))).toMatch(
      /market hours/,
    );
  });
});
