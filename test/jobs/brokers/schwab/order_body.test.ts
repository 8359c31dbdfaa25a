import { describe, expect, it } from 'vitest';
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import { asSchwabCarries, DEFAULT_TICKS, orderBody } from '../../../../jobs/brokers/schwab/order_body.ts';
import { CALL, creditVertical, FURTHER_CALL, shortCall } from './support.ts';

describe('the body of an order', () => {
  it('sells one contract at a limit', () => {
    expect(orderBody(shortCall(), DEFAULT_TICKS)).toEqual({
      session: 'NORMAL',
      duration: 'DAY',
      orderType: 'LIMIT',
      price: '1.25',
      orderStrategyType: 'SINGLE',
      complexOrderStrategyType: 'NONE',
      orderLegCollection: [
        { instruction: 'SELL_TO_OPEN', quantity: 1, instrument: { symbol: CALL, assetType: 'OPTION' } },
      ],
    });
  });

  it('sells a vertical for a net credit, and buys it back for a net debit', () => {
    expect(orderBody(creditVertical({ qty: 2 }), DEFAULT_TICKS)).toMatchObject({
      orderType: 'NET_CREDIT',
      price: '0.45',
      complexOrderStrategyType: 'VERTICAL',
      orderLegCollection: [
        { instruction: 'SELL_TO_OPEN', quantity: 2, instrument: { symbol: CALL } },
        { instruction: 'BUY_TO_OPEN', quantity: 2, instrument: { symbol: FURTHER_CALL } },
      ],
    });
    const closing = creditVertical({
      legs: [
        { symbol: CALL, side: 'buy', effect: 'close', ratio: 1 },
        { symbol: FURTHER_CALL, side: 'sell', effect: 'close', ratio: 1 },
      ],
      isCredit: false,
      limit_px_e4: 1000,
    });
    expect(orderBody(closing, DEFAULT_TICKS)).toMatchObject({
      orderType: 'NET_DEBIT',
      price: '0.10',
      orderLegCollection: [{ instruction: 'BUY_TO_CLOSE' }, { instruction: 'SELL_TO_CLOSE' }],
    });
  });

  it('has no price at market, and only a stop price on a stop', () => {
    const market = orderBody(shortCall({ type: 'market', limit_px_e4: null }), DEFAULT_TICKS);
    expect(market.orderType).toBe('MARKET');
    expect('price' in market || 'stopPrice' in market).toBe(false);
    const stop = orderBody(shortCall({ type: 'stop', limit_px_e4: null, stop_px_e4: 25_000 }), DEFAULT_TICKS);
    expect(stop).toMatchObject({ orderType: 'STOP', stopPrice: '2.50' });
    expect('price' in stop).toBe(false);
  });

  it('writes every price with two decimals at least', () => {
    const prices = [100, 1000, 10_000, 29_900, 123_400, 1_000_000].map(
      (limit_px_e4) => orderBody(shortCall({ limit_px_e4 }), DEFAULT_TICKS).price,
    );
    expect(prices).toEqual(['0.01', '0.10', '1.00', '2.99', '12.34', '100.00']);
  });

  it('calls other structures custom', () => {
    const [near, far] = creditVertical().legs;
    if (near === undefined || far === undefined) throw new Error('a vertical has two legs');
    const put = { ...far, symbol: 'QQQ   261120P00605000' as OsiSymbol };
    const later = { ...far, symbol: 'QQQ   261127C00615000' as OsiSymbol };
    const structures = [
      [near, put],
      [near, later],
      [near, { ...far, side: 'sell' as const }],
      [near, far],
    ].map((legs) => orderBody(creditVertical({ legs }), DEFAULT_TICKS).complexOrderStrategyType);
    expect(structures).toEqual(['CUSTOM', 'CUSTOM', 'CUSTOM', 'VERTICAL']);
  });

  it.each([
    ['half a cent', { limit_px_e4: 12_550 }, 'no whole step'],
    ['a limit of zero', { limit_px_e4: 0 }, 'above zero'],
    ['a limit below zero', { limit_px_e4: -100 }, 'above zero'],
    ['no limit', { limit_px_e4: null }, 'above zero'],
    ['a stop without a price', { type: 'stop' as const }, 'stop price'],
    ['no contract', { qty: 0 }, 'quantity'],
    ['half a contract', { qty: 0.5 }, 'quantity'],
    ['no leg', { legs: [] }, 'legs'],
    [
      'a share',
      { legs: [{ symbol: 'QQQ' as OsiSymbol, side: 'buy', effect: 'open', ratio: 1 }] } as const,
      'no option',
    ],
    [
      'a stop on a spread',
      { ...creditVertical(), type: 'stop' as const, stop_px_e4: 100 },
      'no stop on a spread',
    ],
    [
      'the same contract twice',
      { legs: [...shortCall().legs, { symbol: CALL, side: 'buy', effect: 'open', ratio: 1 }] } as const,
      'same contract',
    ],
  ])('is refused for %s', (_, more, message) => {
    expect(() => orderBody(shortCall(more), DEFAULT_TICKS)).toThrow(message);
  });

  it.each([
    ['buy', 29_900, 29_900],
    ['buy', 30_000, 30_000],
    ['buy', 30_700, 30_500],
    ['buy', 35_100, 35_000],
    ['sell', 30_100, 30_500],
    ['sell', 30_500, 30_500],
    ['sell', 29_950, 30_000],
    ['buy', 12_345, 12_300],
  ] as const)('moves a %s stop of %i to %i, where it triggers earlier', (side, asked, carried) => {
    const legs = [{ symbol: CALL, side, effect: 'close', ratio: 1 }] as const;
    const order = shortCall({ legs, type: 'stop', limit_px_e4: null, stop_px_e4: asked });
    expect(asSchwabCarries(order, DEFAULT_TICKS).stop_px_e4).toBe(carried);
    expect(orderBody(order, DEFAULT_TICKS).stopPrice).toBe((carried / 10_000).toFixed(2));
  });

  it('takes another tick rule', () => {
    const ticks = { limit_tick_e4: 500, wide_stop_from_e4: 0, wide_stop_tick_e4: 1000 };
    expect(() => orderBody(shortCall({ limit_px_e4: 12_600 }), ticks)).toThrow('0.05');
    const stop = shortCall({ type: 'stop', limit_px_e4: null, stop_px_e4: 10_500 });
    expect(orderBody(stop, ticks).stopPrice).toBe('1.10');
  });
});
