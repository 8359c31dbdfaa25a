// The account, its money and its positions.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chooseAccount } from '../../../../jobs/brokers/schwab/accounts.ts';
import { needsSharedData, sharedData } from '../../../harness.ts';
import { account, brokerWith } from './answering.ts';
import { simulatedSchwab } from './simulated.ts';
import { CALL, shortCall, storeLogin, tokensAt } from './support.ts';

const DAY_MS = 86_400_000;
const FIXTURES = ['schwab', 'schwab_rb', 'spec', 'fixtures'] as const;

const checkOf = async (broker: Awaited<ReturnType<typeof brokerWith>>['broker'], name: string) =>
  (await broker.checks()).find((check) => check.name === name);

describe('the account that is meant', () => {
  const accounts = [
    { accountNumber: '12345678', hashValue: 'A' },
    { accountNumber: '99995678', hashValue: 'B' },
    { accountNumber: '5678', hashValue: 'C' },
  ];
  it('is the only one, or the one that ends so', () => {
    expect(chooseAccount(accounts.slice(0, 1), null).hashValue).toBe('A');
    expect(chooseAccount(accounts, '345678').hashValue).toBe('A');
    expect(chooseAccount(accounts, '99995678').hashValue).toBe('B');
    expect(chooseAccount(accounts, '5678').hashValue).toBe('C');
  });

  it.each([
    [accounts, null, 'not clear'],
    [accounts.slice(0, 2), '5678', 'not clear'],
    [accounts, '111', 'none of them ends'],
    [[], null, 'no account'],
  ])('is not guessed', (some, wanted, message) => {
    expect(() => chooseAccount(some, wanted)).toThrow(message);
    try {
      chooseAccount(some, wanted);
    } catch (error) {
      expect(String(error)).not.toContain('12345678');
    }
  });

  it('is asked for once a login', async () => {
    const { broker, server, config, clock } = await brokerWith(account());
    await broker.positions();
    await broker.positions();
    expect(server.of('GET', '/trader/v1/accounts/accountNumbers')).toHaveLength(1);
    clock.move(60_000);
    await storeLogin(config, tokensAt(clock.now(), { accessToken: 'of-a-new-login' }));
    await broker.checks();
    expect(server.of('GET', '/trader/v1/accounts/accountNumbers')).toHaveLength(2);
  });
});

describe('a new login that changes the hash of the account', () => {
  it('does not make orders and positions disappear', async () => {
    const { broker, venue, simulator, config, clock } = await simulatedSchwab({
      simulator: { rehashesOnLogin: true },
    });
    venue.setQuote(CALL, { bid_e4: 12_500, ask_e4: 13_000 });
    const about = { clientId: 'x', priority: 'exit' } as const;
    const sold = await broker.submit(shortCall(), about);
    if (sold.kind !== 'submitted') throw new Error(JSON.stringify(sold));
    const before = simulator.accountHash();
    const grant = simulator.oauth.login();
    expect(simulator.accountHash()).not.toBe(before);
    expect(await broker.order(sold.venueOrderId)).toMatchObject({ state: 'filled' });
    expect(await broker.positions()).toHaveLength(1);
    const { access_token: accessToken, refresh_token: refreshToken } = grant;
    await storeLogin(config, tokensAt(clock.now(), { accessToken, refreshToken }));
    simulator.oauth.login();
    // The old hash is not known any more: this order is not placed, the next one is.
    expect((await broker.submit(shortCall(), about)).kind).toBe('rejected');
    expect((await broker.submit(shortCall(), about)).kind).toBe('submitted');
    expect(simulator.ledger.orders()).toHaveLength(2);
  });
});

describe('the account', () => {
  it('may spend on options what is available, not what shares may', async () => {
    const { broker } = await brokerWith(account());
    expect(await broker.account()).toMatchObject({
      buyingPower: 48_000,
      equity: 50_001,
      isClosingOnly: false,
      isInCall: false,
      name: '...678',
    });
    const own = await brokerWith(
      account({ currentBalances: { optionBuyingPower: 1000, availableFunds: 5, equity: 7 } }),
    );
    expect(await own.broker.account()).toMatchObject({ buyingPower: 1000, equity: 7 });
    const cash = await brokerWith(
      account({ currentBalances: { cashAvailableForTrading: 300, liquidationValue: 400 } }),
    );
    expect(await cash.broker.account()).toMatchObject({ buyingPower: 300, equity: 400 });
  });

  it('without balances is an error, not zero', async () => {
    const { broker } = await brokerWith(account({ currentBalances: {} }));
    await expect(broker.account()).rejects.toThrow('no buying power');
  });

  it.each([
    [{ isClosingOnlyRestricted: true }, 'restricted to closing'],
    [{ projectedBalances: { isInCall: true } }, 'margin call'],
    [{ currentBalances: { availableFunds: 1, equity: 1, isInCall: 1 } }, 'margin call'],
    [{ currentBalances: { availableFunds: 1, equity: 1, maintenanceCall: 250.5 } }, 'margin call'],
  ])('bars entries with %j', async (more, detail) => {
    const { broker } = await brokerWith(account(more));
    expect(await checkOf(broker, 'broker account')).toMatchObject({
      isOk: false,
      detail: expect.stringContaining(detail) as unknown,
    });
  });
});

describe('the login in the checks', () => {
  it('must live as long as is configured, 24 hours by default', async () => {
    const { broker, clock } = await brokerWith({
      ...account(),
      '/v1/oauth/token': { access_token: 'x', expires_in: 30 * 86_400 },
    });
    expect(await checkOf(broker, 'broker token')).toMatchObject({
      isOk: true,
      detail: 'the login lives 7 d 0 h',
    });
    clock.move(6 * DAY_MS);
    expect(await checkOf(broker, 'broker token')).toMatchObject({
      isOk: true,
      detail: 'the login lives 1 d 0 h',
    });
    clock.move(60_000);
    expect(await checkOf(broker, 'broker token')).toMatchObject({
      isOk: false,
      detail: expect.stringContaining('strikebase schwab login') as unknown,
    });
  });
});

describe('recorded accounts', () => {
  needsSharedData(...FIXTURES, 'account.json');
  const fixture = (name: string): unknown =>
    JSON.parse(readFileSync(sharedData(...FIXTURES, name) ?? '', 'utf8'));

  it('give positions with signs and prices without commission', async () => {
    const { broker } = await brokerWith({ '/accounts/H': fixture('account.json') });
    const positions = await broker.positions();
    expect(positions).toHaveLength(10);
    expect(positions.find((each) => each.symbol === 'META  250131P00525000')).toEqual({
      symbol: 'META  250131P00525000',
      qty: -1,
      avg_px_e4: 27_800,
      market_value: -75,
    });
    expect(positions.find((each) => each.symbol === 'META  250131P00510000')).toMatchObject({
      qty: 1,
      avg_px_e4: 17_400,
    });
    expect(await broker.account()).toMatchObject({
      buyingPower: 44_420.89,
      equity: 50_946.39,
      isInCall: false,
    });
  });

  it('are told apart by last digits', () => {
    const accounts = fixture('account_numbers.json') as { accountNumber: string; hashValue: string }[];
    expect(chooseAccount(accounts, '5678').hashValue).toMatch(/^1996EA/);
    expect(() => chooseAccount(accounts, null)).toThrow('...678, ...234');
  });
});

describe('positions', () => {
  const positionsOf = (...positions: Record<string, unknown>[]) => account({ positions });
  const held = (assetType: string, symbol: string, more: Record<string, unknown> = {}) => ({
    longQuantity: 100,
    shortQuantity: 0,
    averagePrice: 10,
    instrument: { assetType, symbol },
    ...more,
  });

  it('are shares of an ETF under their ticker, and neither cash nor funds', async () => {
    const { broker } = await brokerWith(
      positionsOf(
        held('COLLECTIVE_INVESTMENT', 'QQQ', { longQuantity: 0, shortQuantity: 200 }),
        held('EQUITY', 'AAPL'),
        held('MUTUAL_FUND', 'SWVXX'),
        held('CASH_EQUIVALENT', 'MMDA1'),
        held('OPTION', CALL, { longQuantity: 1, shortQuantity: 1 }),
        held('SOMETHING_NEW', 'X'),
      ),
    );
    expect((await broker.positions()).map(({ symbol, qty }) => [symbol, qty])).toEqual([
      ['QQQ', -200],
      ['AAPL', 100],
      ['X', 100],
    ]);
  });

  it('are not read from half an answer', async () => {
    const { broker } = await brokerWith(positionsOf({ longQuantity: 1 }));
    await expect(broker.positions()).rejects.toThrow('not as documented');
  });
});
