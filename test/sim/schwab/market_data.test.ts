// Quotes, chains, expirations and market hours of the simulated Schwab, over HTTP.
import { describe, expect, it } from 'vitest';
import { type Any, type Bench, bench, CALL, PUT, quote, stopsSimulators } from './support.ts';

stopsSimulators();

async function get(at: Bench, path: string): Promise<Any> {
  return (await at.call('GET', `/marketdata/v1${path}`)).json;
}

async function market(): Promise<Bench> {
  const at = await bench();
  quote(at.simulator, 'QQQ', 610.11, 610.13);
  for (const strike of [600, 605, 610, 615, 620]) {
    quote(at.simulator, `QQQ   261120C00${strike}000`, 1, 1.1);
    quote(at.simulator, `QQQ   261123P00${strike}000`, 2, 2.1);
  }
  return at;
}

describe('market data', () => {
  it('quotes what is known and names what is not', async () => {
    const at = await market();
    const symbols = ['QQQ', CALL, 'NOSUCH'].map(encodeURIComponent).join(',');
    expect(await get(at, `/quotes?symbols=${symbols}`)).toMatchObject({
      QQQ: { assetMainType: 'EQUITY', quote: { bidPrice: 610.11, askPrice: 610.13 } },
      [CALL]: {
        assetMainType: 'OPTION',
        quote: { bidPrice: 1, askPrice: 1.1, underlyingPrice: 610.12, delta: -999 },
        reference: { contractType: 'C', strikePrice: 615, daysToExpiration: 0 },
      },
      errors: { invalidSymbols: ['NOSUCH'] },
    });
    expect(await get(at, `/${encodeURIComponent(CALL)}/quotes`)).toHaveProperty([CALL]);
    expect((await at.call('GET', '/marketdata/v1/quotes')).status).toBe(400);
  });

  it('lists chains by date and strike, the nearest strikes where a number is given', async () => {
    const at = await market();
    const all = await get(at, '/chains?symbol=QQQ');
    expect(Object.keys(all.callExpDateMap)).toEqual(['2026-11-20:0']);
    expect(Object.keys(all.putExpDateMap)).toEqual(['2026-11-23:3']);
    expect([all.status, all.numberOfContracts, all.underlyingPrice]).toEqual(['SUCCESS', 10, 610.12]);
    const near = await get(at, '/chains?symbol=QQQ&contractType=CALL&strikeCount=2&toDate=2026-11-20');
    expect(Object.keys(near.callExpDateMap['2026-11-20:0'])).toEqual(['610.0', '615.0']);
    expect(near.putExpDateMap).toEqual({});
    expect((await get(at, '/chains?symbol=NOSUCH')).status).toBe('FAILED');
    const { expirationList } = await get(at, '/expirationchain?symbol=QQQ');
    expect(expirationList.map((each: { expirationDate: string }) => each.expirationDate)).toEqual([
      '2026-11-20',
      '2026-11-23',
    ]);
  });

  it('tells hours that end at 16:00 for equity options, none on holidays, and early closes', async () => {
    const at = await bench();
    const friday = await get(at, '/markets?markets=equity,option&date=2026-11-20');
    expect(friday.option.EQO).toMatchObject({
      isOpen: true,
      sessionHours: {
        regularMarket: [{ start: '2026-11-20T09:30:00-05:00', end: '2026-11-20T16:00:00-05:00' }],
      },
    });
    expect(friday.option.IND.sessionHours.regularMarket[0].end).toBe('2026-11-20T16:15:00-05:00');
    expect(friday.equity.EQ.sessionHours.preMarket[0].start).toBe('2026-11-20T07:00:00-05:00');
    expect(await get(at, '/markets/option?date=2026-11-26')).toEqual({
      option: { option: { date: '2026-11-26', marketType: 'OPTION', product: 'option', isOpen: false } },
    });
    const early = await get(at, '/markets/option?date=2026-11-27');
    expect(early.option.EQO.sessionHours.regularMarket[0].end).toBe('2026-11-27T13:00:00-05:00');
    const summer = await get(at, '/markets/equity?date=2026-07-06');
    expect(summer.equity.EQ.sessionHours.regularMarket[0].start).toBe('2026-07-06T09:30:00-04:00');
    expect((await at.call('GET', '/marketdata/v1/markets?markets=bond')).status).toBe(400);
  });

  it('needs a token', async () => {
    const { call } = await bench();
    const reply = await call('GET', `/marketdata/v1/${PUT}/quotes`, undefined, { authorization: 'Bearer x' });
    expect(reply.status).toBe(401);
  });
});
