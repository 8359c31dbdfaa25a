// The REST client against a vendor that misbehaves: what passes is waited for, what stands is explained, the key stays where it is.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { errorText, Failure } from '../../../core/failure.ts';
import { followPages } from '../../../ingest/massive_history/pages.ts';
import {
  createRestClient,
  type PageQuery,
  type RestClient,
  type RestClientOptions,
} from '../../../ingest/massive_history/rest_client.ts';
import { fullDay, type HistoryMarket, marketQuotes } from './market.ts';
import { API_KEY, startVendor, type Vendor } from './vendor.ts';

const MARKET: HistoryMarket = {
  underlying: 'QQQ',
  sessions: [fullDay('2025-10-06')],
  today: '2025-10-07',
  quotes: 30,
  trades: 5,
  price: 600,
  reach: 1,
};
const TICKER = 'O:QQQ251006C00600000';
const QUERY: PageQuery = {
  path: `/v3/quotes/${TICKER}`,
  search: { order: 'asc', sort: 'timestamp', limit: '50000' },
  asked: { kind: 'quotes', ticker: TICKER },
};
const QUICK = { firstWaitMs: 1, maxWaitMs: 4, limitWaitMs: 1, attempts: 4 };

let vendor: Vendor;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  vendor = await startVendor(MARKET);
});
afterEach(async () => {
  await vendor.stop();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function client(options: Partial<RestClientOptions> = {}): RestClient {
  return createRestClient({
    restUrl: vendor.url,
    apiKey: API_KEY,
    perMinute: null,
    clock: systemClock(),
    ...options,
    timing: { ...QUICK, ...options.timing },
  });
}

const never = (): AbortSignal => new AbortController().signal;

async function all(rest: RestClient, query = QUERY, signal = never()): Promise<unknown[]> {
  const results: unknown[] = [];
  for await (const page of followPages(rest, query, signal)) results.push(...page.results);
  return results;
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Failure);
  const failure = error as Failure;
  expect(`${errorText(failure)} ${failure.hint} ${failure.stack}`).not.toContain(API_KEY);
  return failure;
}

async function server(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const http = createServer(answer).listen(0, '127.0.0.1');
  await once(http, 'listening');
  cleanups.push(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

describe('pages', () => {
  it('come in full, with every digit of their nanoseconds', async () => {
    vendor.pageRows = 7;
    const results = (await all(client())) as { sip_timestamp: unknown }[];
    const sent = marketQuotes(MARKET, TICKER).map((quote) => String(quote.sip_timestamp));
    expect(results.map((result) => result.sip_timestamp)).toEqual(sent);
    // A double would have made multiples of 256 of them.
    expect(sent.some((text) => String(Number(text)) !== text)).toBe(true);
    expect(vendor.requests).toHaveLength(5);
    expect(vendor.requests.every(({ authorization }) => authorization === `Bearer ${API_KEY}`)).toBe(true);
    expect(vendor.requests.some(({ query }) => query.has('apiKey'))).toBe(false);
  });

  it('on another host are not asked for', async () => {
    let visits = 0;
    const other = await server((_, response) => {
      visits += 1;
      response.end('{}');
    });
    for (const next_url of [
      `${other}/v3/quotes?cursor=1`,
      'no address',
      '//127.0.0.1:1/',
      `${vendor.url}.example.com/`,
    ]) {
      vendor.fault(/quotes/, { status: 200, body: JSON.stringify({ results: [], next_url }) });
      expect((await failureOf(all(client()))).message).toMatch('the key was not sent there');
    }
    expect(visits).toBe(0);
    expect(vendor.requests).toHaveLength(4);
  });

  it('without end are an error', async () => {
    const next_url = `${vendor.url}/v3/quotes/${TICKER}?cursor=b3JkZXI9YXNj`;
    const body = JSON.stringify({ results: [], next_url });
    vendor.fault(/quotes/, { status: 200, body }, { status: 200, body }, { status: 200, body });
    expect((await failureOf(all(client()))).message).toMatch('have no end');
  });

  it('that nobody wants any more are not waited for', async () => {
    vendor.pageRows = 10;
    const hanging = await server((request, response) => {
      // The first page comes, the second never does.
      if (!request.url?.includes('cursor')) {
        response.end(
          JSON.stringify({ results: [1], next_url: `http://${request.headers.host}/v3?cursor=1` }),
        );
      }
    });
    for await (const page of followPages(client({ restUrl: hanging }), QUERY, never())) {
      expect(page.results).toEqual([1]);
      break;
    }
  });
});

describe('what passes', () => {
  const HTML = {
    status: 502,
    body: '<html><title>Bad gateway</title></html>',
    headers: { 'content-type': 'text/html' },
  };

  it.each([
    ['a 502 in HTML', [HTML, HTML]],
    ['a 503 without a body', [{ status: 503 }]],
    ['JSON that is cut off', [{ status: 200, body: '{"status":"OK","results":[{"bid_price":1.2' }]],
    ['HTML with a 200', [{ status: 200, body: '<html>Hello</html>' }]],
    ['a connection that ends in the middle', [{ status: 200, body: '{"results":[', isCut: true }]],
    ['a 429 with a body', [{ status: 429, body: '{"status":"ERROR","error":"You\'ve exceeded"}' }]],
    ['a 429 without a body', [{ status: 429 }, { status: 429 }]],
  ])('%s is asked again', async (_, faults) => {
    vendor.fault(/quotes/, ...faults);
    const waits: string[] = [];
    expect(await all(client({ onWait: (text) => waits.push(text) }))).toHaveLength(MARKET.quotes);
    expect(waits).toHaveLength(faults.length);
    expect(vendor.requests).toHaveLength(faults.length + 1);
  });

  it('is given up after so many attempts, saying that the download can go on', async () => {
    vendor.fault(/quotes/, HTML, HTML, HTML, HTML, HTML);
    const failure = await failureOf(all(client()));
    expect(failure.message).toBe('Massive answers 502; given up after 4 attempts');
    expect(failure.hint).toMatch('goes on from there');
    expect(vendor.requests).toHaveLength(4);
  });

  it('waits as long as Retry-After says, all workers together', async () => {
    vendor.fault(/quotes/, { status: 429, headers: { 'retry-after': '1' } });
    const waits: string[] = [];
    const rest = client({ onWait: (text) => waits.push(text) });
    const first = all(rest);
    // Only when the answer is in does anybody know.
    await expect.poll(() => waits.length).toBe(1);
    await Promise.all([first, all(rest)]);
    const [refused, ...later] = vendor.requests.map(({ at }) => at);
    expect(later).toHaveLength(2);
    for (const at of later) expect(at - (refused ?? 0)).toBeGreaterThanOrEqual(999);
  });

  it('does not wait for hours', async () => {
    vendor.fault(/quotes/, { status: 429, headers: { 'retry-after': '86400' } });
    expect((await failureOf(all(client()))).message).toMatch('wants to be asked again in 86400 s');
  });

  it('understands a Retry-After that is a date, by the vendor’s own clock', async () => {
    const served = Date.parse('2026-01-05T12:00:00Z');
    const headers = {
      date: new Date(served).toUTCString(),
      'retry-after': new Date(served + 3_600_000).toUTCString(),
    };
    vendor.fault(/quotes/, { status: 429, headers });
    expect((await failureOf(all(client()))).message).toMatch('wants to be asked again in 3600 s');
  });

  it('keeps a pace, however many ask', async () => {
    const rest = client({ perMinute: 3, timing: { windowMs: 300 } });
    await Promise.all(Array.from({ length: 8 }, () => all(rest)));
    const at = vendor.requests.map((request) => request.at);
    expect(at).toHaveLength(8);
    // The vendor's own clock: a request may be under way for a moment.
    for (let i = 3; i < at.length; i += 1) expect((at[i] ?? 0) - (at[i - 3] ?? 0)).toBeGreaterThan(200);
  });

  it('ends at once when it is told to, in the middle of a wait', async () => {
    vendor.fault(/quotes/, { status: 429, headers: { 'retry-after': '600' } });
    const ending = new AbortController();
    const work = all(client(), QUERY, ending.signal);
    await expect.poll(() => vendor.requests.length).toBe(1);
    ending.abort();
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
    expect(vendor.requests).toHaveLength(1);
  });
});

describe('what stands', () => {
  it('is a wrong key', async () => {
    const failure = await failureOf(all(client({ apiKey: 'wrong' })));
    expect(failure).toMatchObject({
      message: 'Massive does not accept the key (401): Unknown API Key',
      hint: expect.stringMatching('POLYGON_API_KEY'),
    });
    expect(vendor.requests).toHaveLength(1);
  });

  it.each([
    [{ status: 403, body: '{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data."}' }],
    [{ status: 403, body: '{"status":"ERROR","error":"You are not entitled to this data."}' }],
    [{ status: 200, body: '{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data."}' }],
  ])('is a plan that lacks it: %j', async (fault) => {
    vendor.fault(/quotes/, fault);
    expect(await failureOf(all(client()))).toMatchObject({
      message: `the plan does not include quotes of ${TICKER} (403): You are not entitled to this data.`,
      hint: expect.stringMatching(/Options Advanced.*goes on from there/),
    });
  });

  it('is a 403 that echoes the key', async () => {
    vendor.fault(/quotes/, { status: 403, body: JSON.stringify({ message: `no plan for ${API_KEY}` }) });
    expect((await failureOf(all(client()))).message).toMatch('no plan for [api key]');
  });

  it('is an unknown symbol, a bad request, a redirect', async () => {
    const unknown = { ...QUERY, path: '/v3/quotes/QQQX', asked: { kind: 'minute', ticker: 'QQQX' } } as const;
    expect((await failureOf(all(client(), unknown))).message).toBe(
      'Massive does not know minute bars of QQQX (404): Data not found.',
    );
    vendor.fault(/quotes/, { status: 400, body: '{"error":"limit too large"}' });
    expect((await failureOf(all(client()))).message).toBe(
      `Massive refuses quotes of ${TICKER} (400): limit too large`,
    );
    vendor.fault(/quotes/, { status: 302, headers: { location: 'https://example.com/' } });
    expect((await failureOf(all(client()))).message).toMatch('redirect (302); the key was not sent there');
    expect(vendor.requests).toHaveLength(3);
  });

  it('is an address where nobody answers', async () => {
    const closed = await server(() => undefined);
    for (const cleanup of cleanups.splice(0)) await cleanup();
    for (const restUrl of [closed, 'http://127.0.0.1:1']) {
      const failure = await failureOf(all(client({ restUrl })));
      expect(failure.message).toContain(`Massive cannot be reached at ${restUrl}: `);
      expect(failure.hint).toMatch('MASSIVE_REST_URL');
    }
  });

  it('is a vendor that went away, when it has not come back in a while', async () => {
    const rest = client();
    await all(rest);
    await vendor.stop();
    const failure = await failureOf(all(rest));
    expect(failure.message).toMatch('given up after 4 attempts');
    vendor = await startVendor(MARKET);
  });

  it('is an answer that never comes', async () => {
    const silent = await server(() => undefined);
    const rest = client({ restUrl: silent, timing: { timeoutMs: 50, attempts: 2 } });
    expect((await failureOf(all(rest))).message).toMatch('given up after 2 attempts');
  });

  it('is an address in clear, or a key that cannot be one', () => {
    expect(() => client({ restUrl: 'http://api.massive.com' })).toThrow('https://');
    expect(() => client({ apiKey: 'line\nbreak' })).toThrow('blanks or odd characters');
  });
});
