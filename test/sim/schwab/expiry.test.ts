// Expiry and assignment at the simulated Schwab: overnight, and visible the next morning.
import { describe, expect, it } from 'vitest';
import type { SessionDate } from '../../../core/eastern_time.ts';
import { account, sellCall, transactions } from './account_calls.ts';
import { bench, CALL, CASH_E4, FAR_PUT, PUT, quote, single, stopsSimulators, vertical } from './support.ts';

stopsSimulators();

const EXPIRY = '2026-11-20' as SessionDate;

describe('expiry', () => {
  it('assigns what is in the money by the close; the shares show the next morning, as COLLECTIVE_INVESTMENT', async () => {
    const at = await bench();
    await sellCall(at, 2);
    await at.advance(6.25 * 3_600_000);
    const settled = at.simulator.settle(EXPIRY, 6_150_100);
    expect(settled).toEqual([
      { accountNumber: '12345678', symbol: CALL, qty: -2, outcome: 'assigned', shares: -200 },
    ]);
    expect(at.simulator.ledger.positions()).toMatchObject([{ symbol: 'QQQ', qty: -200 }]);
    at.login();
    expect((await account(at)).securitiesAccount.positions).toMatchObject([{ instrument: { symbol: CALL } }]);
    expect(await transactions(at, 'RECEIVE_AND_DELIVER')).toEqual([]);
    await at.advance(13.75 * 3_600_000);
    at.login();
    expect((await account(at)).securitiesAccount.positions).toMatchObject([
      {
        shortQuantity: 200,
        instrument: { symbol: 'QQQ', assetType: 'COLLECTIVE_INVESTMENT', type: 'EXCHANGE_TRADED_FUND' },
      },
    ]);
    expect(await transactions(at, 'RECEIVE_AND_DELIVER')).toMatchObject([
      {
        type: 'RECEIVE_AND_DELIVER',
        netAmount: 123_000,
        transferItems: [
          { amount: 2, cost: 0, instrument: { symbol: CALL } },
          { amount: -200, price: 615, instrument: { symbol: 'QQQ' } },
        ],
      },
    ]);
  });

  it('lets what is a fraction of a cent in the money expire, ends its orders, and pays the premium in full', async () => {
    const at = await bench();
    await sellCall(at);
    await at.place(single('BUY_TO_CLOSE', 1, '0.05', { duration: 'GOOD_TILL_CANCEL' }));
    expect(at.simulator.settle(EXPIRY, 6_150_099, { shownAt: 'now' })).toMatchObject([
      { outcome: 'expired', shares: 0 },
    ]);
    expect(at.simulator.ledger.positions()).toEqual([]);
    expect(at.simulator.ledger.openEntries()).toEqual([]);
    expect(at.simulator.ledger.orders().map((order) => order.status)).toEqual(['FILLED', 'EXPIRED']);
    expect(at.simulator.ledger.cash_e4()).toBe(CASH_E4 + 1_250_000 - 6_500);
  });

  it('can be decided after hours: exercised out of the money, declined in it', async () => {
    const at = await bench();
    await sellCall(at);
    const exercised = at.simulator.settle(EXPIRY, 6_140_000, { exercised: [CALL] });
    expect(exercised).toMatchObject([{ outcome: 'assigned', shares: -100 }]);
    const other = await bench();
    await sellCall(other);
    const declined = other.simulator.settle(EXPIRY, 6_160_000, { declined: [CALL] });
    expect(declined).toMatchObject([{ outcome: 'expired' }]);
  });

  it('exercises the long side of a spread too, and settles index options in cash', async () => {
    const at = await bench();
    quote(at.simulator, PUT, 0.95, 1);
    quote(at.simulator, FAR_PUT, 0.4, 0.5);
    await at.place(vertical('open', 1, '0.45'));
    const before = at.simulator.ledger.cash_e4();
    at.simulator.settle(EXPIRY, 5_900_000);
    expect(at.simulator.ledger.positions()).toEqual([]);
    expect(at.simulator.ledger.cash_e4()).toBe(before - 5_000_000);
    const index = await bench();
    const spx = 'SPXW  261120C06800000';
    quote(index.simulator, spx, 1, 1.05);
    await index.place(single('BUY_TO_OPEN', 1, '1.05', {}, spx));
    const paid = index.simulator.ledger.cash_e4();
    index.simulator.settle(EXPIRY, 68_100_000, { root: 'SPXW' });
    expect(index.simulator.ledger.cash_e4()).toBe(paid + 10_000_000);
  });

  it('may come early for a short position', async () => {
    const at = await bench();
    await sellCall(at, 2);
    expect(at.simulator.assign(CALL, 1, { showAfterMs: 1000 })).toMatchObject({ shares: -100 });
    expect(at.simulator.ledger.positionOf(CALL)).toBe(-1);
    expect((await account(at)).securitiesAccount.positions).toHaveLength(1);
    await at.advance(1000);
    expect((await account(at)).securitiesAccount.positions).toHaveLength(2);
    expect(at.simulator.assign(PUT, 1)).toBeNull();
  });
});
