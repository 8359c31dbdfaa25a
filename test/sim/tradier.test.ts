// The simulated Tradier on the wire: lists that collapse, errors with 200, limits in headers, orders changed in place, a day of SPX.
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionDate } from '../../core/eastern_time.ts';
import { sessionHours } from '../../sim/session.ts';
import { steppingClock } from '../../sim/stepping_clock.ts';
import { startTradierSimulator, type TradierSimulator } from '../../sim/tradier/server.ts';
import type { TradierSimulatorOptions } from '../../sim/tradier/settings.ts';
import { spxDay } from '../../sim/tradier/spx_day.ts';
import { at, session } from './sessions.ts';

const NOW = at('2026-11-18 12:00');
const PUT = 'SPXW  261123P05900000';
const FURTHER = 'SPXW  261123P05875000';
let simulator: TradierSimulator;
afterEach(() => simulator.stop());

async function start(options: TradierSimulatorOptions = {}): Promise<void> {
  const delays = { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 0, rejectMs: 0 };
  simulator = await startTradierSimulator({ clock: steppingClock(NOW), delays, ...options });
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the wire holds is what the test looks at.
  readonly json: any;
}

async function ask(
  path: string,
  form?: Record<string, string>,
  method = 'POST',
  accept = 'application/json',
): Promise<Answered> {
  const response = await fetch(`${simulator.restUrl}${path}`, {
    method: form === undefined ? (method === 'DELETE' ? method : 'GET') : method,
    headers: { authorization: `Bearer ${simulator.token}`, accept },
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  const text = await response.text();
  const isJson = text.startsWith('{');
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
}

const SPREAD = {
  ...{ class: 'multileg', symbol: 'SPX', type: 'credit', duration: 'day', price: '1.50', tag: 'a-1' },
  ...{ 'option_symbol[0]': 'SPXW261123P05900000', 'side[0]': 'sell_to_open', 'quantity[0]': '2' },
  ...{ 'option_symbol[1]': 'SPXW261123P05875000', 'side[1]': 'buy_to_open', 'quantity[1]': '2' },
};

function orders(path = ''): string {
  return `/accounts/${simulator.account}/orders${path}`;
}

describe('the simulated Tradier', () => {
  it('writes lists of none, one and several as Tradier does, and XML unless asked for JSON', async () => {
    await start();
    expect((await ask(orders())).json).toEqual({ orders: 'null' });
    expect((await ask('/markets/options/chains?symbol=SPX&expiration=2026-11-23')).json).toEqual({
      options: null,
    });
    simulator.setQuote(PUT, 60_000, 61_000, 10, 10);
    const chain = '/markets/options/chains?symbol=SPX&expiration=2026-11-23&greeks=true';
    expect((await ask(chain)).json.options.option).toMatchObject({
      symbol: 'SPXW261123P05900000',
      greeks: null,
      bid: 6,
    });
    simulator.setQuote(FURTHER, 43_000, 44_000, 10, 10);
    expect((await ask(chain)).json.options.option).toHaveLength(2);
    const quotes = await ask('/markets/quotes?symbols=SPXW261123P05900000,GONE');
    expect(quotes.json.quotes).toMatchObject({ quote: { ask: 6.1 }, unmatched_symbols: { symbol: 'GONE' } });
    const xml = await ask('/markets/clock', undefined, 'GET', '*/*');
    expect(xml.text).toMatch(/^<\?xml.*<clock>.*<state>open<\/state>/);
    // Weeklies hang on another root, which has to be asked for.
    expect((await ask('/markets/options/expirations?symbol=SPX')).json).toEqual({ expirations: null });
    const all = await ask('/markets/options/expirations?symbol=SPX&includeAllRoots=true&strikes=true');
    expect(all.json.expirations.expiration).toEqual({
      date: '2026-11-23',
      strikes: { strike: [5875, 5900] },
    });
  });

  it('tells what is wrong as plain text with 400, with 200, or with 401', async () => {
    await start();
    expect(await ask(orders(), { ...SPREAD, tag: 'a_1' })).toMatchObject({
      ...{ status: 400, text: 'Invalid parameter, tag: contains invalid characters.' },
    });
    expect(await ask(orders(), { ...SPREAD, price: '' })).toMatchObject({
      ...{ status: 200, json: { errors: { error: 'LimitPriceUndefined' } } },
    });
    const other = { ...SPREAD, 'option_symbol[1]': 'SPXW261127P05875000' };
    expect((await ask(orders(), other)).json.errors.error).toBe('IndexOptionsOneExparyDate');
    expect((await ask(orders(), { ...SPREAD, 'side[0]': 'sell_to_close' })).json.errors.error).toMatch(
      /closing a long/,
    );
    expect(await ask(orders('/1'))).toMatchObject({
      status: 401,
      text: `Unauthorized Account: ${simulator.account}`,
    });
    simulator.revokeToken();
    expect(await ask(orders())).toMatchObject({ status: 401, text: 'Invalid Access Token' });
    expect(simulator.ledger.orders()).toEqual([]);
  });

  it('shows a credit as a parent with a negative price that counts contracts, and its legs', async () => {
    await start();
    simulator.setQuote(PUT, 60_000, 61_000, 10, 10);
    simulator.setQuote(FURTHER, 43_000, 44_000, 10, 10);
    const preview = await ask(orders(), { ...SPREAD, preview: 'true' });
    expect(preview.json.order).toMatchObject({
      status: 'ok',
      result: true,
      order_cost: -300,
      commission: 1.4,
    });
    const { id } = (await ask(orders(), SPREAD)).json.order;
    const { order } = (await ask(orders(`/${id}?includeTags=true`))).json;
    expect(order).toMatchObject({
      ...{
        status: 'filled',
        side: 'buy',
        quantity: 2,
        exec_quantity: 4,
        avg_fill_price: -1.6,
        tag: 'a-1',
        num_legs: 2,
      },
      leg: [
        { side: 'sell_to_open', quantity: 2, exec_quantity: 2, avg_fill_price: 6 },
        { side: 'buy_to_open', quantity: 2, exec_quantity: 2, avg_fill_price: 4.4 },
      ],
    });
    expect((await ask(orders(`/${id}`))).json.order.tag).toBeUndefined();
    const { positions } = (await ask(`/accounts/${simulator.account}/positions`)).json;
    expect(positions.position.map((each: { cost_basis: number }) => each.cost_basis)).toEqual([880, -1200]);
    expect(await ask(orders(`/${id}`), undefined, 'DELETE')).toMatchObject({
      ...{ status: 400, text: 'order already in finalized state: filled' },
    });
  });

  it('changes an order in place, with what it has filled', async () => {
    await start({ accounts: [{ accountNumber: 'VA00000002', cash_e4: 50_000_000_000 }] });
    simulator.setQuote(PUT, 60_000, 61_000, 1, 10);
    const form = {
      class: 'option',
      symbol: 'SPX',
      option_symbol: 'SPXW261123P05900000',
      side: 'sell_to_open',
    };
    const sent = { ...form, quantity: '3', type: 'limit', price: '6.00', duration: 'day' };
    const { id } = (await ask(orders(), sent)).json.order;
    expect((await ask(orders(`/${id}`))).json.order).toMatchObject({
      status: 'partially_filled',
      exec_quantity: 1,
    });
    expect((await ask(orders(`/${id}`), { price: '6.50' }, 'PUT')).json.order).toMatchObject({
      id,
      status: 'ok',
    });
    simulator.setQuote(PUT, 65_000, 66_000, 10, 10);
    const { order } = (await ask(orders(`/${id}`))).json;
    expect(order).toMatchObject({
      id,
      status: 'filled',
      quantity: 3,
      exec_quantity: 3,
      price: 6.5,
      last_fill_quantity: 2,
    });
    expect(order.avg_fill_price).toBeCloseTo((6 + 2 * 6.5) / 3, 8);
    expect((await ask(orders())).json.orders.order.id).toBe(id);
  });

  it('counts requests by group and minute, and says so in headers', async () => {
    await start({ limits: { standard: 2, market: 60, trading: 60 }, quotaStatus: 400, expiryUnit: 's' });
    const first = await ask(orders());
    expect(first.headers.get('x-ratelimit-available')).toBe('1');
    expect(Number(first.headers.get('x-ratelimit-expiry'))).toBeLessThan(1e12);
    await ask(orders());
    expect(await ask(orders())).toMatchObject({ status: 400, text: 'Quota Violation' });
    expect((await ask('/markets/clock')).status).toBe(200);
  });

  it('plays a day of SPX whose puts, calls and greeks agree with each other', async () => {
    const hours = sessionHours(session('2026-11-18'));
    const market = spxDay({ seed: 5, session: hours, price: 6000, reach: { near: 0.03, far: 0.05 } });
    await start({ market, delayMs: 900_000 });
    const path = '/markets/options/chains?symbol=SPX&expiration=2026-11-25&greeks=true';
    const rows: Record<string, number & Record<string, number>>[] = (await ask(path)).json.options.option;
    const { last: spot } = (await ask('/markets/quotes?symbols=SPX')).json.quotes.quote;
    const mid = (row: Record<string, number> | undefined): number => ((row?.bid ?? 0) + (row?.ask ?? 0)) / 2;
    const near = rows.filter((row) => Math.abs(Number(row.strike) - spot) < 30);
    for (const call of near.filter((row) => String(row.option_type) === 'call')) {
      const put = near.find((row) => row.strike === call.strike && String(row.option_type) === 'put');
      const spread = Number(call.ask) - Number(call.bid) + Number(put?.ask) - Number(put?.bid);
      expect(Math.abs(mid(call) - mid(put) - (spot - Number(call.strike)))).toBeLessThan(spread);
      expect((call.greeks?.delta ?? 0) - (put?.greeks?.delta ?? 0)).toBeCloseTo(1, 2);
    }
    expect(near.length).toBeGreaterThan(10);
    // Quotes are of a quarter of an hour ago.
    expect(Number(rows[0]?.bid_date)).toBe(Date.parse('2026-11-18T16:45:00Z'));
    expect(simulator.settle('2026-11-18' as SessionDate, 60_000_000, { root: 'SPXW' })).toEqual([]);
  });
});
