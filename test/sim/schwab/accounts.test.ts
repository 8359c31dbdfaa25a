// Accounts at the simulated Schwab, over HTTP: balances, positions, previews, transactions, and what expiry does to them.
import { describe, expect, it } from 'vitest';
import { account, sellCall, transactions } from './account_calls.ts';
import {
  type Bench,
  bench,
  CALL,
  FAR_PUT,
  PUT,
  quote,
  single,
  stopsSimulators,
  vertical,
} from './support.ts';

stopsSimulators();

describe('who the user is', () => {
  it('is told by account numbers with hashes, and by preferences that are an object', async () => {
    const { call, hash, simulator } = await bench();
    expect((await call('GET', '/accounts/accountNumbers')).json).toEqual([
      { accountNumber: '12345678', hashValue: hash },
    ]);
    expect(hash).toMatch(/^[0-9A-F]{64}$/);
    expect((await call('GET', '/userPreference')).json).toMatchObject({
      accounts: [{ accountNumber: '12345678' }],
      streamerInfo: [{ streamerSocketUrl: simulator.streamerUrl, schwabClientChannel: 'N9' }],
      offers: [{ mktDataPermission: 'NP' }],
    });
  });

  it('is unknown under another hash, without a token, and on paths that do not exist', async () => {
    const { call, hash } = await bench();
    expect(await call('GET', '/accounts/12345678')).toMatchObject({ status: 404, json: { errors: [] } });
    expect((await call('GET', `/accounts/${hash}`, undefined, { authorization: 'Basic x' })).status).toBe(
      401,
    );
    expect(await call('GET', '/nothing')).toMatchObject({
      status: 404,
      text: 'Requested route /trader/v1/nothing does not exist',
    });
    expect((await call('GET', '/accounts/%E0%A4%A')).status).toBe(400);
  });
});

describe('an account', () => {
  it('has no positions when it is flat, or when they were not asked for', async () => {
    const at = await bench();
    expect((await account(at)).securitiesAccount).not.toHaveProperty('positions');
    await sellCall(at);
    expect((await account(at, '')).securitiesAccount).not.toHaveProperty('positions');
    expect((await at.call('GET', '/accounts?fields=positions')).json).toHaveLength(1);
  });

  it('shows a short call as recorded accounts do, the fee in its average price', async () => {
    const at = await bench();
    await sellCall(at);
    quote(at.simulator, CALL, 1.21, 1.23);
    const { securitiesAccount } = await account(at);
    expect(securitiesAccount.accountNumber).toBe('12345678');
    expect(securitiesAccount.positions).toEqual([
      {
        shortQuantity: 1,
        longQuantity: 0,
        settledShortQuantity: 0,
        settledLongQuantity: 0,
        averagePrice: 1.2435,
        averageShortPrice: 1.25,
        taxLotAverageShortPrice: 1.2435,
        marketValue: -122,
        maintenanceRequirement: expect.any(Number),
        shortOpenProfitLoss: 2.35,
        currentDayProfitLoss: 2.35,
        currentDayProfitLossPercentage: 1.89,
        currentDayCost: -124.35,
        instrument: {
          assetType: 'OPTION',
          cusip: '0QQQ..KK60615000',
          symbol: CALL,
          description: 'QQQ 11/20/2026 $615 Call',
          netChange: 0,
          type: 'VANILLA',
          putCall: 'CALL',
          underlyingSymbol: 'QQQ',
        },
      },
    ]);
  });

  it('balances: cash, liquidation value, and funds that are cash less the requirement', async () => {
    const at = await bench();
    await sellCall(at);
    const { currentBalances, initialBalances } = (await account(at)).securitiesAccount;
    // 20 % of 610.12 less the 4.88 that the call is out of the money, and the mark of 1.26.
    const required = (0.2 * 610.12 - 4.88 + 1.26) * 100;
    const cash = 500_000 + 125 - 0.65;
    expect(currentBalances.cashBalance).toBeCloseTo(cash, 2);
    expect(currentBalances.liquidationValue).toBeCloseTo(cash - 126, 2);
    expect(currentBalances.shortOptionMarketValue).toBe(-126);
    expect(currentBalances.maintenanceRequirement).toBeCloseTo(required, 2);
    expect(currentBalances.availableFunds).toBeCloseTo(cash - required, 2);
    expect(currentBalances.buyingPower).toBeCloseTo(2 * (cash - required), 2);
    expect(initialBalances.cashBalance).toBe(500_000);
  });

  it('needs the difference of the strikes for a spread', async () => {
    const at = await bench();
    quote(at.simulator, PUT, 0.95, 1);
    quote(at.simulator, FAR_PUT, 0.4, 0.5);
    await at.place(vertical('open', 2, '0.45'));
    const { currentBalances, positions } = (await account(at)).securitiesAccount;
    expect(currentBalances.maintenanceRequirement).toBe(1000);
    expect(positions.map((each: Record<string, unknown>) => [each.longQuantity, each.shortQuantity])).toEqual(
      [
        [2, 0],
        [0, 2],
      ],
    );
  });

  it('may be restricted to closing orders', async () => {
    const at = await bench();
    await sellCall(at);
    at.simulator.setClosingOnly(true);
    expect((await account(at)).securitiesAccount.isClosingOnlyRestricted).toBe(true);
    const open = await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    const close = await at.place(single('BUY_TO_CLOSE', 1, '0.50'));
    expect([(await at.order(open)).status, (await at.order(close)).status]).toEqual(['REJECTED', 'WORKING']);
  });
});

describe('a preview', () => {
  it('is 200 either way, tells what the order costs, and places nothing', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.27);
    const preview = (body: unknown): ReturnType<Bench['call']> =>
      at.call('POST', `/accounts/${at.hash}/previewOrder`, body);
    const good = await preview(single('SELL_TO_OPEN', 2, '1.25'));
    expect(good).toMatchObject({
      status: 200,
      json: {
        orderId: 0,
        orderStrategy: {
          status: 'ACCEPTED',
          orderBalance: { orderValue: 250, projectedCommission: 1.3 },
          orderLegs: [{ legId: 1, bidPrice: 1.25, askPrice: 1.27, finalSymbol: CALL }],
        },
        orderValidationResult: { rejects: [] },
        commissionAndFee: {
          commission: { commissionLegs: [{ commissionValues: [{}, { type: 'COMMISSION', value: 1.3 }] }] },
        },
      },
    });
    const bad = await preview(single('BUY_TO_CLOSE', 1, '1.25'));
    expect(bad).toMatchObject({
      status: 200,
      json: {
        orderStrategy: { status: 'REJECTED' },
        orderValidationResult: { rejects: [{ activityMessage: expect.stringContaining('oversold') }] },
      },
    });
    expect((await preview({})).status).toBe(400);
    expect(at.simulator.ledger.orders()).toEqual([]);
  });
});

describe('transactions', () => {
  it('have a row for each leg, with the fees as items of their own', async () => {
    const at = await bench({ fees: { optRegFee_e4: 100, secFee_e4: 200, tafFee_e4: 0 } });
    quote(at.simulator, PUT, 0.95, 1);
    quote(at.simulator, FAR_PUT, 0.4, 0.5);
    const orderId = await at.place(vertical('open', 1, '0.45'));
    const rows = await transactions(at, 'TRADE');
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatchObject({
      type: 'TRADE',
      status: 'VALID',
      orderId,
      accountNumber: '12345678',
      time: '2026-11-20T15:00:00+0000',
      netAmount: 94.32,
      transferItems: [
        { feeType: 'COMMISSION', amount: 0.65, cost: -0.65, instrument: { assetType: 'CURRENCY' } },
        { feeType: 'SEC_FEE', amount: 0.02, cost: -0.02 },
        { feeType: 'OPT_REG_FEE', amount: 0.01, cost: -0.01 },
        { feeType: 'TAF_FEE', amount: 0, cost: 0 },
        { amount: -1, cost: 95, price: 0.95, positionEffect: 'OPENING', instrument: { symbol: PUT } },
      ],
    });
    const one = await at.call('GET', `/accounts/${at.hash}/transactions/${rows[0]?.activityId}`);
    expect(one.json).toEqual(rows[0]);
    expect(await transactions(at, 'RECEIVE_AND_DELIVER')).toEqual([]);
    const sameSecond = 'startDate=2026-11-20T14:00:00Z&endDate=2026-11-20T15:00:00Z&types=TRADE';
    expect((await at.call('GET', `/accounts/${at.hash}/transactions?${sameSecond}`)).json).toHaveLength(2);
    const noTypes = `startDate=2026-11-20T00:00:00.000Z&endDate=2026-11-21T00:00:00.000Z`;
    expect((await at.call('GET', `/accounts/${at.hash}/transactions?${noTypes}`)).status).toBe(400);
  });
});
